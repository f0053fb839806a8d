//! Why a call of the store failed, in words.

use plextrac_transport::{StoreError, StoreErrorKind};

use crate::engine::EngineError;

pub(crate) enum Failure {
    Engine(EngineError),
    NoRandomBytes,
    TooLong { bytes: usize },
    WrongKey { own: String, known: Vec<String> },
    OtherKeyRecord,
    DamagedKeyRecord,
    KeyRecordKeepsChanging,
    NamesChanged,
    ChangedRecord,
    Replayed,
    LastKey,
    UnknownKey { id: String },
    OwnKey,
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl Failure {
    /// The error, naming the store.
    pub(crate) fn of(self, store: &str) -> StoreError {
        let kind = match self {
            Self::WrongKey { .. } | Self::OtherKeyRecord | Self::DamagedKeyRecord | Self::NamesChanged => {
                StoreErrorKind::WrongKey
            }
            _ => StoreErrorKind::Unavailable,
        };
        StoreError { kind, message: format!("{store} {}", self.sentence()) }
    }

    fn sentence(self) -> String {
        match self {
            Self::Engine(EngineError::Unreachable(reason)) => {
                format!("cannot be reached: {reason}; check its address, and that it runs")
            }
            Self::Engine(EngineError::Refused(reason)) => format!("refused the call: {reason}"),
            Self::Engine(EngineError::TooLate) => {
                "did not answer in time; check the network, and that the engine is not stopped".into()
            }
            Self::Engine(EngineError::Cancelled) => "was not waited for: the call was cancelled".into(),
            Self::NoRandomBytes => "cannot be used: the system gives no random bytes".into(),
            Self::TooLong { bytes } => format!(
                "does not take a record of {bytes} bytes; at most {} are kept",
                plextrac_transport::MAX_RECORD
            ),
            Self::WrongKey { own, known } => format!(
                "is sealed with other keys ({}) than this program's ({own}); use the key that the other programs \
                 use, or have one of them add this one",
                known.join(", ")
            ),
            Self::OtherKeyRecord => {
                "has a key record that this version cannot read; update this program, or use another prefix".into()
            }
            Self::DamagedKeyRecord => {
                "has a key record that was changed by another program; restore it, or delete it and sign in again".into()
            }
            Self::KeyRecordKeepsChanging => "changed its key record again and again; try again".into(),
            Self::NamesChanged => {
                "lost its data, and other programs began it anew under another key; start this program again".into()
            }
            Self::ChangedRecord => {
                "has a record that was changed by another program, or moved; delete it and sign in again".into()
            }
            Self::Replayed => {
                "returned an older record than it had before; if nobody restored old data there, other people can \
                 write to it"
                    .into()
            }
            Self::LastKey => "has this key alone; add the new key before you remove it".into(),
            Self::UnknownKey { id } => format!("does not know the key {id}; nothing was removed"),
            Self::OwnKey => "is open with this key; open it with the key that stays to remove this one".into(),
        }
    }
}
