//! The shared store: whether this machine can do with it all that a session does.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plextrac_transport::{
    CallLimits, CancelToken, RecordStore, StoreError, StoredRecord, Watched, WriteOutcome,
};

use super::findings::Findings;
use crate::durations::spoken;
use crate::exit::{Exit, Failure};
use crate::settings::StoreSettings;
use crate::shared_store;

/// A record of its own: no account and no instance has this name. The store forgets it after a day.
const PROBE: &str = "b00000000000000000000000000000000";
const LONGEST: Duration = Duration::from_secs(5);
/// The median of so many reads is the round trip.
const READS: usize = 5;
/// The listening side of a watch has so long to begin.
const LISTENS_AFTER: Duration = Duration::from_millis(200);
/// A change that is seen later was not noticed but found by looking.
const NOTICED_WITHIN: Duration = Duration::from_millis(200);
/// The lease of a claim is 10 s, so a larger difference would matter if clocks were compared.
const HARMLESS_OFFSET: Duration = Duration::from_secs(5);

/// Adds what it finds. Returns whether a session can use the store.
pub(super) fn look(
    findings: &mut Findings,
    store: &Arc<dyn RecordStore>,
    settings: &StoreSettings,
) -> Result<bool, Failure> {
    look_at_encryption(findings, &settings.url.value)?;
    if let Err(error) = within(|limits| store.key(limits)) {
        findings.bad("store", failed(error))?;
        return Ok(false);
    }
    findings.good("store", &format!("{} answers, allows its scripts, and the key fits", store.name()))?;
    let record = match look_at_reads(findings, store.as_ref())? {
        Some(record) => record,
        None => return Ok(false),
    };
    // As another process writes: one's own writes need no notice.
    look_at_writes(findings, store, shared_store::open(settings)?.as_ref(), &record)
}

fn look_at_encryption(findings: &mut Findings, url: &str) -> Result<(), Failure> {
    let scheme = url.split("://").next().unwrap_or_default();
    match scheme.strip_suffix("+sentinel").unwrap_or(scheme) {
        "rediss" | "valkeys" => findings.good("store", "the connection is encrypted with TLS"),
        _ => findings.unknown(
            "store",
            "the connection is not encrypted: records are sealed, but the engine's password can be read on the way; use \
             rediss:// where the network is not private",
        ),
    }
}

/// The record, the round trip, and the engine's clock.
fn look_at_reads(findings: &mut Findings, store: &dyn RecordStore) -> Result<Option<StoredRecord>, Failure> {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..READS {
        let begun = Instant::now();
        match within(|limits| store.read(PROBE, limits)) {
            Ok(record) => last = Some((record, SystemTime::now())),
            Err(error) => {
                findings.bad("store", failed(error))?;
                return Ok(None);
            }
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let round_trip = times[READS / 2];
    let micros = round_trip.as_micros();
    findings.good("store", &format!("a round trip takes {}.{:03} ms", micros / 1000, micros % 1000))?;
    let Some((record, now)) = last else { return Ok(None) };
    if let Some(time) = &record.time {
        let here = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset = here.abs_diff(Duration::from_millis(time.ms));
        match offset <= HARMLESS_OFFSET {
            true => findings.good("store", "its clock agrees with this machine's")?,
            false => findings.unknown(
                "store",
                &format!(
                    "its clock and this machine's differ by {}; sessions use the store's clock for shared times, so this \
                     does no harm",
                    spoken(offset)
                ),
            )?,
        }
    }
    Ok(Some(record))
}

/// Writes a record of its own, and looks whether a watch hears of it.
fn look_at_writes(
    findings: &mut Findings,
    store: &Arc<dyn RecordStore>,
    writer: &dyn RecordStore,
    record: &StoredRecord,
) -> Result<bool, Failure> {
    let mut version = record.version;
    let mut fastest = Duration::MAX;
    // The first watch may have to open a connection.
    for _ in 0..2 {
        let watch = {
            let store = Arc::clone(store);
            thread::spawn(move || {
                let watched = within(|limits| store.watch(PROBE, version, None, limits));
                watched.map(|watched| (watched, Instant::now()))
            })
        };
        thread::sleep(LISTENS_AFTER);
        let written = within(|limits| writer.write(PROBE, version, b"doctor", limits));
        let at = Instant::now();
        let watched = watch.join().map_err(|_| Failure::other("a watch of the store panicked"))?;
        match (written, watched) {
            (Ok(WriteOutcome::Written(new)), Ok((Watched::Changed, heard))) => {
                version = new;
                fastest = fastest.min(heard.saturating_duration_since(at));
            }
            (Ok(WriteOutcome::Conflict), _) => {
                findings.unknown("store", "another doctor runs just now; writing was not looked at")?;
                return Ok(true);
            }
            (Ok(_), Ok(_)) => break,
            (Err(error), _) | (_, Err(error)) => {
                findings.bad("store", failed(error))?;
                return Ok(false);
            }
        }
    }
    findings.good("store", "records can be written")?;
    match fastest <= NOTICED_WITHIN {
        true => findings.good("store", "changes are noticed at once")?,
        false => findings.unknown(
            "store",
            "changes are found by looking every half second: allow SUBSCRIBE and PUBLISH on the channels of its prefix",
        )?,
    }
    Ok(true)
}

fn within<T>(call: impl FnOnce(&CallLimits<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    call(&CallLimits { deadline: Instant::now() + LONGEST, cancel: &CancelToken::new() })
}

fn failed(error: StoreError) -> Failure {
    Failure::Message(Exit::Network, error.message)
}
