//! What each fault does to the answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, Delivery};

/// The ways of going wrong; [`FaultOn`](crate::FaultOn) documents each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Effect {
    Status {
        code: u16,
        #[serde(default)]
        content_type: String,
        #[serde(default, with = "crate::headers")]
        headers: Vec<(String, String)>,
        #[serde(default)]
        body: String,
    },
    Html {
        code: u16,
    },
    Maintenance,
    DropConnection,
    Stall,
    Redirect {
        code: u16,
        location: String,
    },
    RateLimited {
        #[serde(default)]
        retry_after: Option<String>,
    },
    ErrorShapeTwo {
        code: u16,
    },
    Raw {
        #[serde(with = "as_base64")]
        base64: Vec<u8>,
    },
    HugeBody {
        bytes: u64,
    },
    LoseAnswer,
    Truncate,
    Slow {
        ms: u64,
    },
    SlowBody {
        ms: u64,
    },
    WrongTypes,
    MissingToken,
    HostileToken {
        token: String,
    },
}

impl Effect {
    /// What is delivered in front of the instance; `None` when the instance is to judge the request first.
    pub(crate) fn in_front(&self) -> Option<Delivery> {
        let delivery = match self {
            Effect::Status { code, content_type, headers, body } => {
                let mut answer = Answer::new(*code, content_type, body.as_bytes());
                answer.headers.extend(headers.iter().cloned());
                Delivery::Whole(answer)
            }
            Effect::Html { code } => Delivery::Whole(Answer::new(*code, HTML, ATTENTION_PAGE.as_bytes())),
            Effect::Maintenance => Delivery::Whole(Answer::new(503, HTML, MAINTENANCE_PAGE.as_bytes())),
            Effect::DropConnection => Delivery::Nothing,
            Effect::Stall => Delivery::Never,
            Effect::Redirect { code, location } => {
                Delivery::Whole(Answer::new(*code, HTML, b"").with_header("Location", location))
            }
            Effect::RateLimited { retry_after } => {
                let answer = Answer::error(429, "Too many authentication requests");
                Delivery::Whole(match retry_after {
                    Some(text) => answer.with_header("Retry-After", text),
                    None => answer,
                })
            }
            Effect::ErrorShapeTwo { code } => Delivery::Whole(Answer::error(*code, "A fault was asked for")),
            Effect::Raw { base64 } => Delivery::Raw(base64.clone()),
            Effect::HugeBody { bytes } => Delivery::Huge(*bytes),
            Effect::LoseAnswer
            | Effect::Truncate
            | Effect::Slow { .. }
            | Effect::SlowBody { .. }
            | Effect::WrongTypes
            | Effect::MissingToken
            | Effect::HostileToken { .. } => return None,
        };
        Some(delivery)
    }

    /// Does the client still get the whole, right answer, only later?
    pub(crate) fn only_delays(&self) -> bool {
        matches!(self, Effect::Slow { .. } | Effect::SlowBody { .. })
    }

    /// How long the answer is kept back before its first byte.
    pub(crate) fn delay(&self) -> Duration {
        match self {
            Effect::Slow { ms } => Duration::from_millis(*ms),
            _ => Duration::ZERO,
        }
    }

    /// What becomes of the instance's own answer.
    pub(crate) fn spoil(&self, mut answer: Answer) -> Delivery {
        match self {
            Effect::LoseAnswer => return Delivery::Nothing,
            Effect::Truncate => return Delivery::Truncated(answer),
            Effect::SlowBody { ms } => {
                return Delivery::Dripping { answer, between_bytes: Duration::from_millis(*ms) };
            }
            Effect::WrongTypes => answer.change_object(|object| {
                for value in object.values_mut() {
                    *value = match &*value {
                        Value::String(_) => json!(7),
                        other => Value::String(other.to_string()),
                    };
                }
            }),
            Effect::MissingToken => answer.change_object(|object| {
                object.remove("token");
                object.remove("code");
            }),
            Effect::HostileToken { token } => answer.change_object(|object| {
                for name in ["token", "code"] {
                    if let Some(value) = object.get_mut(name) {
                        *value = Value::String(token.clone());
                    }
                }
            }),
            _ => {}
        }
        Delivery::Whole(answer)
    }
}

const HTML: &str = "text/html; charset=UTF-8";

const ATTENTION_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Attention Required!</title></head>\
    <body><h1>Sorry, you have been blocked</h1>\
    <p>This website is using a security service to protect itself.</p>\
    <p>Ray ID: 0000000000000000</p></body></html>\n";

const MAINTENANCE_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\
    <body><h1>PlexTrac is in maintenance mode</h1><p>Please try again in a few minutes.</p></body></html>\n";

/// Bytes that are not text travel in JSON as base64.
mod as_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
