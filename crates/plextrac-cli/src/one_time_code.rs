//! Where the one-time code of this run comes from: a TOTP secret, one code, a command, a person.

use plextrac_transport::{MfaPrompt, SessionConfig};
use zeroize::Zeroizing;

use crate::exit::{self, Failure};
use crate::settings::{Code, Settings};
use crate::{prompt, secret_command};

pub(crate) fn set(config: &mut SessionConfig, settings: &Settings) -> Result<(), Failure> {
    match &settings.secrets.code {
        Some(Code::TotpSecret(secret)) => config.totp_secret(secret)?,
        // If the server refuses it, the session refuses to send it once more, and says so.
        Some(Code::Once(code)) => {
            let code = code.clone();
            config.mfa_callback(move |_| Some(code.clone()))
        }
        Some(Code::Command(command)) => {
            let (command, url) = (command.value.clone(), settings.url.value.clone());
            config.mfa_callback(move |prompt| by_command(&command, &url, prompt))
        }
        None if settings.asks => config.mfa_callback(prompt::one_time_code),
        None => config.no_mfa_codes(),
    };
    Ok(())
}

/// The session asks on a thread of its own and takes only a code or none, so what goes wrong is shown here.
fn by_command(command: &str, url: &str, prompt: &MfaPrompt) -> Option<Zeroizing<String>> {
    let code = secret_command::run("code", command, url, &prompt.username).and_then(|code| {
        let is_code = prompt::is_code(&code);
        is_code
            .then_some(code)
            .ok_or_else(|| Failure::usage("the code command prints no one-time code of six digits"))
    });
    code.inspect_err(|failure| {
        if let Failure::Message(_, message) = failure {
            exit::say(message);
        }
    })
    .ok()
}
