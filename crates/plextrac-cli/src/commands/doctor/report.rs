//! `doctor --report FILE`: what an instance answers to one sign-in and one refresh, without any value.
//!
//! What the documents call inferred can become known by such reports. A report holds statuses, names of headers and
//! fields, kinds of values, and times. The transport gives no more than these. What is known to be secret or to name the
//! user is removed in addition, should a server use it as the name of a field.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use plextrac_transport::{Error, Exchange, Outline, Session, SessionConfig, probe};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::account::{self, Purpose};
use crate::args::DoctorArgs;
use crate::exit::Failure;
use crate::output_file::OutputFile;
use crate::settings::{Code, Password, Set, Settings, Source};
use crate::{output, prompt};

const ABOUT: &str = "What a PlexTrac instance answered to one sign-in and one refresh by plextrac-auth. This holds \
    statuses, names of headers and fields, kinds of values, and times. It holds no password, code, TOTP secret, token, \
    cookie, user name, host name or address, and no other value of a request or an answer.";

/// In the place of a name that holds a secret or the user name.
const REMOVED: &str = "(removed)";

/// The file, opened before anything is sent, and the consent of the user.
pub(super) struct Target(OutputFile);

impl Target {
    pub(super) fn open(path: &Path, args: &DoctorArgs) -> Result<Self, Failure> {
        let question = "Sign in once and refresh once, and write what is said about it, without any value, to the file? \
                        [y/N]";
        let consents = args.yes
            || (!args.account.no_prompt
                && prompt::is_possible()
                && prompt::can_confirm()
                && prompt::confirm(question, false)?);
        if !consents {
            return Err(Failure::usage("--report signs in once and refreshes once; allow it with --yes"));
        }
        OutputFile::open(path).map(Self)
    }
}

/// Signs in and refreshes, and writes the report whatever comes of it.
pub(super) fn write(target: Target, args: &DoctorArgs) -> Result<(), Failure> {
    let mut settings = Settings::resolve(&args.account, Purpose::SignIn)?;
    // Known here, so that it can be looked for.
    let password = settings.password()?;
    settings.secrets.password = Some(Password::Text(Set::new(password, Source::Prompt)));
    let hidden = Hidden::of(&settings);
    let config = account::way_to(&settings)?;
    let mut exchanges: Vec<Value> =
        ["/api/v1/", "/api/v2/health/full"].iter().map(|path| probed(&config, path)).collect();

    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let account = account::open_settings(settings, Purpose::SignIn, |config| {
        config.on_exchange(move |exchange| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).push(exchange.clone());
        });
        Ok(())
    })?;
    let signed_in = account.login();
    let token_life = account.status().expires_in;
    let refreshed = signed_in.clone().and_then(|()| account.refresh());
    exchanges.extend(seen.lock().unwrap_or_else(PoisonError::into_inner).iter().map(exchanged));
    let report = json!({
        "about": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "exchanges": exchanges,
        "sign_in": outcome(&signed_in),
        "refresh": if signed_in.is_ok() { outcome(&refreshed) } else { "not tried".to_owned() },
        "token_life_s": token_life.map(|life| life.as_secs()),
        "server_ahead_ms": account.status().server_ahead_ms,
    });
    let report = hidden.and_tokens_of(&account).removed_from(report);
    let text = serde_json::to_string_pretty(&report).map_err(|error| Failure::other(error.to_string()))?;
    let mut file = target.0;
    file.write(text.as_bytes())?;
    file.write(b"\n")?;
    file.finish()?;
    if !args.json {
        output::line(
            "the report is written; it holds no secret, no user name and no address: read it before you share it",
        )?;
    }
    refreshed.map_err(Failure::from)
}

fn probed(config: &SessionConfig, path: &str) -> Value {
    let probe = probe(config, path).ok();
    let outline = probe.as_ref().map(|probe| probe.response.outline());
    entry("GET", path, outline.as_ref(), probe.map(|probe| probe.took.as_millis()))
}

fn exchanged(exchange: &Exchange) -> Value {
    entry(exchange.method, exchange.path, exchange.answer.as_ref(), Some(exchange.took.as_millis()))
}

fn entry(method: &str, path: &str, answer: Option<&Outline>, took_ms: Option<u128>) -> Value {
    let fields = answer.and_then(|answer| answer.fields.as_ref()).map(|fields| {
        fields.iter().map(|(path, kind)| (path.clone(), Value::from(*kind))).collect::<Map<_, _>>()
    });
    json!({
        "request": format!("{method} {path}"),
        "took_ms": took_ms.and_then(|ms| u64::try_from(ms).ok()),
        "status": answer.map(|answer| answer.status),
        "headers": answer.map(|answer| &answer.header_names),
        "fields": fields,
    })
}

/// The class of an error. Its sentence may quote the server.
fn outcome(result: &Result<(), Error>) -> String {
    result.as_ref().map_or_else(|error| format!("{:?}", error.code()), |()| "done".to_owned())
}

/// What must not be in the report, in lower case.
struct Hidden(Vec<Zeroizing<String>>);

impl Hidden {
    fn of(settings: &Settings) -> Self {
        let mut texts = Self(Vec::new());
        texts.add(settings.username().unwrap_or_default());
        if let Some(Password::Text(password)) = &settings.secrets.password {
            texts.add(&password.value);
        }
        if let Some(Code::TotpSecret(secret) | Code::Once(secret)) = &settings.secrets.code {
            texts.add(secret);
        }
        let address = settings.url.value.split("://").last().unwrap_or_default();
        texts.add(address.split(['/', ':']).next().unwrap_or_default());
        texts
    }

    fn and_tokens_of(mut self, session: &Session) -> Self {
        // Without a live token there is none to look for; this sends nothing.
        if session.expires_in().is_some()
            && let Ok(token) = session.authorization()
        {
            self.add(token.expose());
        }
        self
    }

    fn add(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.0.push(Zeroizing::new(text.trim().to_lowercase()));
        }
    }

    /// The texts of this project stay as they are; the rest are names that the server has chosen.
    fn removed_from(&self, mut report: Value) -> Value {
        if let Some(exchanges) = report["exchanges"].as_array_mut() {
            for exchange in exchanges {
                for name in exchange["headers"].as_array_mut().into_iter().flatten() {
                    if name.as_str().is_some_and(|name| self.is_in(name)) {
                        *name = REMOVED.into();
                    }
                }
                if let Some(fields) = exchange["fields"].as_object_mut() {
                    let shown = |(name, kind): (String, Value)| {
                        (if self.is_in(&name) { REMOVED.to_owned() } else { name }, kind)
                    };
                    *fields = std::mem::take(fields).into_iter().map(shown).collect();
                }
            }
        }
        report
    }

    fn is_in(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.0.iter().any(|hidden| name.contains(hidden.as_str()))
    }
}
