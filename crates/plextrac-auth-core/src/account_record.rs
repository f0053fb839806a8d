//! The record of an account, as every process of the account reads and writes it.
//!
//! One account has one record: the claim of the process that works, what was rejected, the spent TOTP step, and the
//! tokens of all its identities. The format is JSON with a version number. A reader that meets a newer version sends
//! nothing. Fields that a reader does not know are written back as they were, and one value that makes no sense
//! costs no other value.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::claim::Claim;
use crate::fingerprint::Fingerprint;
use crate::json::{JsonObject, JsonWriter, RawFields, from_hex};
use crate::keeper_entry::KeeperEntry;
use crate::record::{SharedBackoff, SharedRecord, SharedToken, Stamp};
use crate::secret::Secret;
use crate::time::{Instant, UnixTime};

/// The version of the format that this build writes, and the newest that it reads.
pub const RECORD_VERSION: u64 = 1;
/// Longest record in bytes: two JWTs of 16 KiB and what goes with them.
pub const MAX_RECORD: usize = 64 * 1024;
/// So many identities of an account have a token in the record; the longest unused one makes room.
const MAX_TOKENS: usize = 8;

/// Which token of an account: one session may use the account's own, another an imported one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenIdentity {
    /// Recognises the token that the session was made with; `None` for the account's own token.
    pub imported: Option<Fingerprint>,
    /// Whether certificates are checked. A token that anybody could have read is not given to those who check.
    pub verified: bool,
}

/// A record that this build must not write: a newer build wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewerVersion(pub(crate) u64);

/// The account's record, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountRecord {
    pub(crate) claim: Option<Claim>,
    /// The clock of the store when it was written last: another one says that an engine began anew.
    written_by: Option<String>,
    /// Counts how often rejections were cleared. A rejection that is older than the last one is dropped.
    rejection_resets: u64,
    rejected: Vec<Fingerprint>,
    doubted: Option<(Fingerprint, u32)>,
    totp_step: Option<u64>,
    refused: Vec<Fingerprint>,
    issued: Vec<Fingerprint>,
    server_ahead_ms: Option<i64>,
    backoff: Option<SharedBackoff>,
    needs_mfa: Option<bool>,
    entries: Vec<Entry>,
    rest: RawFields,
}

/// The place of one identity: its token, or the memory that it signed out.
#[derive(Clone, Debug)]
struct Entry {
    identity: TokenIdentity,
    /// Counts sign-outs. A token that is older than the last one is dropped.
    sign_outs: u64,
    token: Option<SharedToken>,
    keeper: Option<KeeperEntry>,
    rest: RawFields,
}

impl AccountRecord {
    /// Reads a record. Bytes that make no sense are an empty record.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, NewerVersion> {
        let Some(mut fields) = JsonObject::parse(bytes) else { return Ok(Self::default()) };
        match fields.take::<u64>("version") {
            Some(version) if version > RECORD_VERSION => return Err(NewerVersion(version)),
            Some(_) => {}
            None => return Ok(Self::default()),
        }
        let mut entries: Vec<Entry> = Vec::new();
        for raw in fields.take_array("tokens") {
            let entry = JsonObject::parse(raw.get().as_bytes()).and_then(Entry::read);
            entries
                .extend(entry.filter(|entry| entries.iter().all(|known| known.identity != entry.identity)));
        }
        Ok(Self {
            claim: fields.take_object("claim").and_then(Claim::read),
            written_by: fields.take("clock"),
            rejection_resets: fields.take("rejection_resets").unwrap_or(0),
            rejected: prints(&mut fields, "rejected"),
            doubted: fields.take_object("doubted").and_then(|mut doubted| {
                Some((print(&doubted.take::<Cow<'_, str>>("secret")?)?, doubted.take("rejections")?))
            }),
            totp_step: fields.take("totp_step"),
            refused: prints(&mut fields, "refused"),
            issued: prints(&mut fields, "issued"),
            server_ahead_ms: fields.take("server_ahead_ms"),
            backoff: fields.take_object("backoff").and_then(|mut backoff| {
                Some(SharedBackoff { failures: backoff.take("failures")?, until: stamp(&mut backoff)? })
            }),
            needs_mfa: fields.take("needs_mfa"),
            entries,
            rest: fields.rest(),
        })
    }

    /// The bytes to write. They hold secrets, and are wiped when they are dropped.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut room = MAX_RECORD - self.size_without_entries().min(MAX_RECORD);
        let mut json = JsonWriter::new(MAX_RECORD);
        json.begin_object();
        json.name("version");
        json.unsigned(RECORD_VERSION);
        if let Some(claim) = &self.claim {
            json.name("claim");
            claim.write(&mut json);
        }
        if let Some(clock) = &self.written_by {
            json.name("clock");
            json.string(clock);
        }
        json.name("rejection_resets");
        json.unsigned(self.rejection_resets);
        write_prints(&mut json, "rejected", &self.rejected);
        if let Some((secret, rejections)) = &self.doubted {
            json.name("doubted");
            json.begin_object();
            json.name("secret");
            json.hex(secret.bytes());
            json.name("rejections");
            json.unsigned(u64::from(*rejections));
            json.end_object();
        }
        if let Some(step) = self.totp_step {
            json.name("totp_step");
            json.unsigned(step);
        }
        write_prints(&mut json, "refused", &self.refused);
        write_prints(&mut json, "issued", &self.issued);
        if let Some(ahead) = self.server_ahead_ms {
            json.name("server_ahead_ms");
            json.signed(ahead);
        }
        if let Some(backoff) = &self.backoff {
            json.name("backoff");
            json.begin_object();
            json.name("failures");
            json.unsigned(u64::from(backoff.failures));
            write_stamp(&mut json, &backoff.until);
            json.end_object();
        }
        if let Some(needs_mfa) = self.needs_mfa {
            json.name("needs_mfa");
            json.boolean(needs_mfa);
        }
        json.name("tokens");
        json.begin_array();
        for entry in &self.entries {
            let size = entry.size();
            if size <= room {
                entry.write(&mut json);
                room -= size;
            }
        }
        json.end_array();
        if self.rest.size() < MAX_RECORD / 2 {
            self.rest.write(&mut json);
        }
        json.end_object();
        json.finish()
    }

    /// What a session of that identity needs to know.
    pub(crate) fn view(&self, identity: &TokenIdentity) -> SharedRecord {
        let entry = self.entries.iter().find(|entry| entry.identity == *identity);
        SharedRecord {
            token: entry.and_then(|entry| entry.token.clone()),
            sign_outs: entry.map_or(0, |entry| entry.sign_outs),
            rejection_resets: self.rejection_resets,
            rejected: self.rejected.clone(),
            doubted: self.doubted,
            totp_step: self.totp_step,
            refused: self.refused.clone(),
            issued: self.issued.clone(),
            server_ahead_ms: self.server_ahead_ms,
            backoff: self.backoff.clone(),
            needs_mfa: self.needs_mfa,
        }
    }

    /// Takes over what a session of that identity knows. Other identities keep their tokens.
    pub(crate) fn update(&mut self, identity: &TokenIdentity, view: SharedRecord) {
        let known = self.entries.iter().position(|entry| entry.identity == *identity);
        let (keeper, rest) = known.map_or_else(Default::default, |index| {
            let entry = self.entries.remove(index);
            (entry.keeper, entry.rest)
        });
        if view.token.is_some() || view.sign_outs > 0 {
            let entry =
                Entry { identity: *identity, sign_outs: view.sign_outs, token: view.token, keeper, rest };
            self.entries.insert(0, entry);
            self.entries.truncate(MAX_TOKENS);
        }
        self.rejection_resets = view.rejection_resets;
        self.rejected = view.rejected;
        self.doubted = view.doubted;
        self.totp_step = view.totp_step;
        self.refused = view.refused;
        self.issued = view.issued;
        self.server_ahead_ms = view.server_ahead_ms;
        self.backoff = view.backoff;
        self.needs_mfa = view.needs_mfa;
    }

    /// Which process keeps the session of that identity alive.
    pub(crate) fn keeper(&self, identity: &TokenIdentity) -> Option<&KeeperEntry> {
        self.entries.iter().find(|entry| entry.identity == *identity)?.keeper.as_ref()
    }

    /// Sets the keeper of that identity, which has a token or has signed out.
    pub(crate) fn set_keeper(&mut self, identity: &TokenIdentity, keeper: Option<KeeperEntry>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.identity == *identity) {
            entry.keeper = keeper;
        }
    }

    /// The clock of the store when the record was written.
    pub(crate) fn written_by(&self) -> Option<&str> {
        self.written_by.as_deref()
    }

    pub(crate) fn set_written_by(&mut self, clock: &str) {
        self.written_by = Some(clock.into());
    }

    /// Drops tokens that ended, by the store's clock. Only those whose clock is known to be the same.
    pub(crate) fn drop_ended_tokens(&mut self, clock: &str, now: Instant) {
        for entry in &mut self.entries {
            entry.token.take_if(|token| {
                token.stamp.is_of(clock)
                    && token.stamp.monotonic + core::time::Duration::from_millis(token.life_ms) < now
            });
        }
        self.entries.retain(|entry| entry.token.is_some() || entry.sign_outs > 0);
    }

    fn size_without_entries(&self) -> usize {
        let prints = self.rejected.len() + self.refused.len() + self.issued.len();
        2048 + 67 * prints + self.rest.size()
    }
}

impl Entry {
    fn read(mut fields: JsonObject<'_>) -> Option<Self> {
        let imported = match fields.take::<Cow<'_, str>>("imported") {
            Some(hex) => Some(print(&hex)?),
            None => None,
        };
        let identity = TokenIdentity { imported, verified: fields.take("verified")? };
        let sign_outs = fields.take("sign_outs").unwrap_or(0);
        // Borrowed from the wiped buffer: a token with escapes is none that a header could carry.
        let token = fields.take::<&str>("token").map(Secret::new);
        let cookie = fields.take::<&str>("cookie").map(Secret::new);
        let tenant_id = fields.take("tenant_id");
        let life_ms = fields.take::<u64>("life_ms");
        let replaced_unauthorized_at = fields.take("replaced_unauthorized_at").map(Instant::from_millis);
        let stamp = stamp(&mut fields);
        let token = token.zip(life_ms).zip(stamp).map(|((token, life_ms), stamp)| SharedToken {
            token,
            cookie,
            tenant_id,
            life_ms,
            replaced_unauthorized_at,
            stamp,
        });
        let keeper = fields.take_object("keeper").and_then(KeeperEntry::read);
        Some(Self { identity, sign_outs, token, keeper, rest: fields.rest() })
    }

    fn write(&self, json: &mut JsonWriter) {
        json.begin_object();
        if let Some(imported) = &self.identity.imported {
            json.name("imported");
            json.hex(imported.bytes());
        }
        json.name("verified");
        json.boolean(self.identity.verified);
        json.name("sign_outs");
        json.unsigned(self.sign_outs);
        if let Some(token) = &self.token {
            json.name("token");
            json.string(token.token.expose());
            if let Some(cookie) = &token.cookie {
                json.name("cookie");
                json.string(cookie.expose());
            }
            if let Some(tenant_id) = token.tenant_id {
                json.name("tenant_id");
                json.signed(tenant_id);
            }
            json.name("life_ms");
            json.unsigned(token.life_ms);
            if let Some(at) = token.replaced_unauthorized_at {
                json.name("replaced_unauthorized_at");
                json.unsigned(at.as_millis());
            }
            write_stamp(json, &token.stamp);
        }
        if let Some(keeper) = &self.keeper {
            json.name("keeper");
            keeper.write(json);
        }
        self.rest.write(json);
        json.end_object();
    }

    /// The most bytes that it takes.
    fn size(&self) -> usize {
        let token = self.token.as_ref().map_or(0, |token| {
            let cookie = token.cookie.as_ref().map_or(0, |cookie| cookie.expose().len());
            token.token.expose().len() + cookie + 6 * token.stamp.boot.len() + 256
        });
        256 + token + self.keeper.as_ref().map_or(0, KeeperEntry::size) + self.rest.size()
    }
}

/// A stamp's fields stand in the object that it belongs to.
fn stamp(fields: &mut JsonObject<'_>) -> Option<Stamp> {
    Some(Stamp {
        boot: fields.take::<String>("clock")?,
        monotonic: Instant::from_millis(fields.take("at")?),
        unix: UnixTime::from_millis(fields.take("unix")?),
    })
}

fn write_stamp(json: &mut JsonWriter, stamp: &Stamp) {
    json.name("clock");
    json.string(&stamp.boot);
    json.name("at");
    json.unsigned(stamp.monotonic.as_millis());
    json.name("unix");
    json.signed(stamp.unix.as_millis());
}

fn print(hex: &str) -> Option<Fingerprint> {
    from_hex(hex).map(Fingerprint::new)
}

fn prints(fields: &mut JsonObject<'_>, name: &str) -> Vec<Fingerprint> {
    let hex =
        |raw: &&serde_json::value::RawValue| serde_json::from_str::<&str>(raw.get()).ok().and_then(print);
    fields.take_array(name).iter().filter_map(hex).take(MAX_PRINTS).collect()
}

fn write_prints(json: &mut JsonWriter, name: &str, prints: &[Fingerprint]) {
    json.name(name);
    json.begin_array();
    prints.iter().take(MAX_PRINTS).for_each(|print| json.hex(print.bytes()));
    json.end_array();
}

/// Longest list of fingerprints.
const MAX_PRINTS: usize = 8;
