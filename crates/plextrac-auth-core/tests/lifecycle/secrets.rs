//! Nothing secret in anything that is printed.

use std::fmt::{Debug, Display, Write};

use plextrac_auth_core::{
    Budget, Credentials, FingerprintKey, ImportedToken, MfaSource, OneTimeCode, Output, Response, Seed,
    TotpSecret, Want,
};

use crate::driver::{Driver, PASSWORD, Server, TOTP, USER, World, config_with, digits, reply, totp};

#[test]
fn no_public_type_shows_a_secret() {
    let mut shown = String::new();
    let mut show = |value: &dyn Debug| write!(shown, "{value:?} {value:#?} ").unwrap();
    let world = World::new(Server::with_mfa());
    let mut config = config_with(totp());
    config.has_store = true;
    let mut driver = Driver::new(&world, config.clone());
    let mut secrets: Vec<String> = vec![PASSWORD.into(), TOTP.into(), "123987".into(), "ready.to.ken".into()];

    show(&config);
    show(&Credentials::new(USER, PASSWORD).unwrap());
    show(&ImportedToken::new("ready.to.ken").unwrap());
    show(&digits("123987"));
    show(&MfaSource::Totp(TotpSecret::parse(TOTP).unwrap()));
    let key = FingerprintKey::new([7; 32]);
    show(&Seed { draws: 1, key: key.clone() });
    show(&key);

    // Every output of a sign-in with MFA, its requests among them.
    driver.machine.want(Want::default()).unwrap();
    for step in 0..2 {
        loop {
            let output = driver.poll();
            show(&output);
            if let Output::Send(request) = output {
                driver.out = Some(request);
            } else if matches!(output, Output::ReadShared) {
                driver.machine.handle_shared(Some(&world.record.borrow()), driver.world.now()).unwrap();
            } else if output.is_last() {
                break;
            }
        }
        let request = driver.out.take().unwrap();
        show(&request);
        show(&request.headers);
        show(&request.body);
        let answer = if step == 0 { reply::challenge("challenge-5") } else { reply::token("granted.to.ken") };
        driver.hand_in_under(request.id, &answer).unwrap();
        show(&driver.machine);
    }
    driver.drain();
    secrets.extend(["challenge-5".into(), "granted.to.ken".into(), driver.sent[1].field("token")]);

    let token = driver.machine.usable_token(driver.now()).unwrap();
    show(token);
    show(token.secret());
    show(&token.cookie());
    show(&driver.machine.authorization(driver.now()));
    show(&*world.record.borrow());
    show(&*world.budget.borrow());
    show(&driver.events);
    show(&Response { status: 200, headers: &[("x", b"granted.to.ken")], body: b"granted.to.ken" });

    assert_eq!(driver.usable().as_deref(), Some("granted.to.ken"), "control: there was something to show");
    assert!(driver.sent[0].body.contains(PASSWORD), "control: and something to hide");
    assert!(shown.contains(USER) && shown.contains("api/v1/authenticate/mfa"), "control: it was looked at");
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret}");
    }
}

#[test]
fn no_error_repeats_what_was_handed_in() {
    let mut shown = String::new();
    let mut show = |error: &dyn Error| write!(shown, "{error} {error:?} ").unwrap();
    show(&Credentials::new("user\0", "s3cret-a").unwrap_err());
    show(&Credentials::new("user", "s3cret-b\n").unwrap_err());
    show(&OneTimeCode::new("98765").unwrap_err());
    show(&ImportedToken::new("s3cret-c\r\n x").unwrap_err());
    show(&TotpSecret::parse("S3CRET-D!").unwrap_err());
    show(&TotpSecret::parse("otpauth://totp/x?secret=S3CRET").unwrap_err());
    show(&plextrac_auth_core::Instance::parse("https://user:s3cret-e@acme.example").unwrap_err());
    show(&Budget::new(1).unwrap_err());
    assert!(shown.contains("the password contains a control character"), "control: {shown}");
    let shown = shown.to_lowercase();
    assert!(!shown.contains("s3cret") && !shown.contains("98765"), "{shown}");
}

trait Error: Debug + Display {}
impl<T: Debug + Display> Error for T {}
