//! A sign-in with MFA, both answers played by hand. It is short, but passes through what the core has of parsing,
//! hashing and formatting, so that the linker must find all of it.

use plextrac_auth_core::{
    Budget, Call, Config, Credentials, FingerprintKey, Instance, Machine, MfaSource, Output, Request,
    Response, Seed, Time, TotpSecret, Want,
};

/// Where it went wrong. The numbers are the program's exit status.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Settings = 1,
    Want,
    Password,
    Challenge,
    OneTimeCode,
    Answer,
    Token,
}

const CHALLENGE: &[u8] = br#"{"status":"success","mfa_enabled":true,"code":"c-1"}"#;

// The claims are {"username":"someone@acme.example","tenantId":0,"iat":1700000000,"exp":1700000900}.
const GRANTED: &[u8] = br#"{"status":"success","tenant_id":0,"cookie":"a.b.c","token":"e30.eyJ1c2VybmFtZSI6InNvbWVvbmVAYWNtZS5leGFtcGxlIiwidGVuYW50SWQiOjAsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwOTAwfQ.c2ln"}"#;

pub(crate) fn with_totp() -> Result<(), Step> {
    let now = Time::from_millis(0, 1_700_000_000_000);
    let mut machine = Machine::new(config().ok_or(Step::Settings)?, seed(), now);
    let mut budget = Budget::default();
    machine.want(Want::default()).map_err(|_| Step::Want)?;

    let password = sent(&mut machine, &mut budget, now).ok_or(Step::Password)?;
    if password.call != Call::SignIn {
        return Err(Step::Password);
    }
    machine.handle_response(password.id, &ok(CHALLENGE), now).map_err(|_| Step::Challenge)?;

    let digits = sent(&mut machine, &mut budget, now).ok_or(Step::OneTimeCode)?;
    if digits.call != Call::Mfa {
        return Err(Step::OneTimeCode);
    }
    machine.handle_response(digits.id, &ok(GRANTED), now).map_err(|_| Step::Answer)?;

    drain(&mut machine, &mut budget, now);
    match machine.authorization(now) {
        Ok(token) if token.expose().starts_with("e30.") => Ok(()),
        _ => Err(Step::Token),
    }
}

fn config() -> Option<Config> {
    let mut config = Config::new(Instance::parse("https://acme.plextrac.com/api/v1").ok()?);
    config.credentials = Some(Credentials::new("someone@acme.example", "correct horse").ok()?);
    config.mfa = MfaSource::Totp(TotpSecret::parse("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").ok()?);
    Some(config)
}

fn seed() -> Seed {
    Seed { draws: 1, key: FingerprintKey::new([7; 32]) }
}

const fn ok(body: &[u8]) -> Response<'_> {
    Response { status: 200, headers: &[], body }
}

/// The request the machine wants sent, with all else it has to say taken out of it.
fn sent(machine: &mut Machine, budget: &mut Budget, now: Time) -> Option<Request> {
    let mut request = None;
    loop {
        match machine.poll(budget, now) {
            Output::Send(next) => request = Some(next),
            output if output.is_last() => return request,
            _ => {}
        }
    }
}

fn drain(machine: &mut Machine, budget: &mut Budget, now: Time) {
    while !machine.poll(budget, now).is_last() {}
}
