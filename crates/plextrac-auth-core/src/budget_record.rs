//! The record of an instance's budget, as every process of a store reads and writes it.

use alloc::vec::Vec;
use zeroize::Zeroizing;

use crate::account_record::MAX_RECORD;
use crate::budget::{BudgetRecord, Place, Ticket};
use crate::json::{JsonObject, JsonWriter, RawFields};
use crate::record::Stamp;
use crate::time::{Instant, UnixTime};

/// The version of the format.
const VERSION: u64 = 1;

/// Reads a record. One place that makes no sense costs no other place; without a stamp there is no record.
pub(crate) fn decode(bytes: &[u8]) -> (Option<BudgetRecord>, RawFields) {
    let Some(mut fields) = JsonObject::parse(bytes) else { return (None, RawFields::default()) };
    let _: Option<u64> = fields.take("version");
    let stamp = (|| {
        Some(Stamp {
            boot: fields.take("clock")?,
            monotonic: Instant::from_millis(fields.take("at")?),
            unix: UnixTime::from_millis(fields.take("unix")?),
        })
    })();
    let (places, waits) = (places(&mut fields, "places"), places(&mut fields, "waits"));
    let shut_until = fields.take("shut").map(Instant::from_millis);
    (stamp.map(|stamp| BudgetRecord { stamp, places, waits, shut_until }), fields.rest())
}

/// The bytes to write.
pub(crate) fn encode(record: &BudgetRecord, rest: &RawFields) -> Zeroizing<Vec<u8>> {
    let size =
        256 + 6 * record.stamp.boot.len() + 48 * (record.places.len() + record.waits.len()) + rest.size();
    let mut json = JsonWriter::new(size);
    json.begin_object();
    json.name("version");
    json.unsigned(VERSION);
    json.name("clock");
    json.string(&record.stamp.boot);
    json.name("at");
    json.unsigned(record.stamp.monotonic.as_millis());
    json.name("unix");
    json.signed(record.stamp.unix.as_millis());
    for (name, places) in [("places", &record.places), ("waits", &record.waits)] {
        json.name(name);
        json.begin_array();
        for place in places.iter().take(MAX_PLACES) {
            json.begin_array();
            json.unsigned(place.ticket.0);
            json.unsigned(place.until.as_millis());
            json.end_array();
        }
        json.end_array();
    }
    if let Some(until) = record.shut_until {
        json.name("shut");
        json.unsigned(until.as_millis());
    }
    if rest.size() < MAX_RECORD / 2 {
        rest.write(&mut json);
    }
    json.end_object();
    json.finish()
}

fn places(fields: &mut JsonObject<'_>, name: &str) -> Vec<Place> {
    let place = |raw: &serde_json::value::RawValue| {
        let (ticket, until) = serde_json::from_str::<(u64, u64)>(raw.get()).ok()?;
        Some(Place { ticket: Ticket(ticket), until: Instant::from_millis(until), foreign: true })
    };
    fields.take_array(name).into_iter().filter_map(place).take(MAX_PLACES).collect()
}

/// More places than 60 requests a minute and a wait for each can take.
const MAX_PLACES: usize = 512;
