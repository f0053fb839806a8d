//! Whatever a server, a proxy or a stranger answers: no panic, no token that could split a header, no account that is
//! taken for rejected because something stood in front of it.

mod driver;

use driver::scenario::to;
use driver::{Driver, PASSWORD, Reply, USER, secs, wait_of};
use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{Failure, FailureKind, Output};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_in_any_phase_does_no_harm(phase in out_phases(), answer in answers()) {
        let mut driver = to(phase);
        let had_token = driver.usable();
        let last = hand_in(&mut driver, &answer);

        if let Some(token) = driver.machine.usable_token(driver.now()) {
            let texts = [Some(token.secret()), token.cookie()];
            for text in texts.into_iter().flatten().map(|secret| secret.expose()) {
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", text);
                prop_assert!(!text.is_empty() && text.len() <= 16 * 1024);
            }
        }
        if driver.machine.is_locked_out() {
            prop_assert_eq!(phase, Phase::Authenticating, "only a password can be rejected");
            prop_assert!(may_reject(&answer), "{:?}", answer);
        }
        if had_token.is_some() {
            prop_assert!(driver.usable().is_some(), "a usable token was dropped");
        }
        if let Output::Wait { .. } = last {
            prop_assert!(wait_of(&last, driver.now()) <= secs(86_400));
        }
        for failure in failures(&driver) {
            let text = failure.to_string();
            prop_assert!(!text.contains(PASSWORD) && !text.contains(USER) && !text.contains("111111"), "{}", text);
            prop_assert!(text.chars().count() < 1000 && !text.chars().any(char::is_control), "{}", text);
            prop_assert!(failure.retry_after().is_none_or(|wait| wait <= secs(900)), "{:?}", failure);
        }
    }

    #[test]
    fn after_any_answer_the_next_good_one_signs_in(answer in answers()) {
        let mut driver = to(Phase::Authenticating);
        hand_in(&mut driver, &answer);
        driver.out = None;
        driver.world.server.borrow_mut().needs_mfa = false;
        if driver.machine.phase() == Phase::AwaitingCode {
            driver.machine.abandon_mfa().unwrap();
            driver.drain();
        }
        driver.machine.forget_rejection(driver.now()).unwrap();
        driver.drain();
        // The longest wait that any answer can ask for.
        driver.pass(secs(900));
        driver.want_fresh();
        prop_assert!(driver.usable().is_some(), "{:?} after {:?}", driver.machine.phase(), answer);
        prop_assert!(!driver.machine.is_wanted());
    }
}

/// The generator is worth its name: all that matters comes up.
#[test]
fn control_the_answers_are_taken_for_everything_they_can_be() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut outcomes = std::collections::BTreeMap::new();
    for _ in 0..3000 {
        let answer = answers().new_tree(&mut runner).unwrap().current();
        let mut driver = to(Phase::Authenticating);
        hand_in(&mut driver, &answer);
        let failed = failures(&driver).next().map(|failure| failure.kind());
        *outcomes.entry(format!("{:?} {failed:?}", driver.machine.phase())).or_insert(0) += 1;
    }
    for outcome in [
        "Active None",
        "AwaitingCode None",
        "LockedOut Some(Rejected)",
        "SignedOut Some(MustWait)",
        "SignedOut Some(UnexpectedAnswer)",
    ] {
        assert!(outcomes.get(outcome).is_some_and(|count| *count > 30), "{outcome}: {outcomes:?}");
    }
}

#[test]
fn a_body_over_a_mebibyte_is_not_read() {
    let long = format!(r#"{{"status":"error","message":"{}"}}"#, "x".repeat(1024 * 1024));
    for (status, kind) in
        [(200, FailureKind::TooLarge), (500, FailureKind::TooLarge), (401, FailureKind::Rejected)]
    {
        let mut driver = to(Phase::Authenticating);
        driver.hand_in(driver::reply::json(status, &long));
        assert_eq!(driver.last_failure_kind(), kind, "{status}");
        assert_eq!(driver.machine.is_locked_out(), kind == FailureKind::Rejected, "{status}");
        assert!(!driver.last_failure().message().contains("xxx"), "{status}");
    }
}

/// Phases in which a request is out.
fn out_phases() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![Phase::Authenticating, Phase::Verifying, Phase::Refreshing, Phase::Reviving])
}

fn answers() -> impl Strategy<Value = Reply> {
    let status = prop_oneof![
        6 => Just(200_u16),
        6 => prop::sample::select(vec![201, 204, 302, 400, 401, 403, 404, 405, 407, 409, 422, 423, 429, 500, 502, 503]),
        1 => any::<u16>(),
    ];
    (status, prop::collection::vec(headers(), 0..4), bodies())
        .prop_map(|(status, headers, body)| Reply::Answer { status, headers, body })
}

fn headers() -> impl Strategy<Value = (String, Vec<u8>)> {
    let name = prop::sample::select(vec![
        "Date",
        "Retry-After",
        "Content-Type",
        "X-RateLimit-PathReset",
        "x-ratelimit-reset",
        "RateLimit-Reset",
        "X-RateLimit-Remaining",
        "X-Other",
    ]);
    let value = prop_oneof![
        any::<u64>().prop_map(|n| n.to_string().into_bytes()),
        (0_u32..1000).prop_map(|n| n.to_string().into_bytes()),
        prop::sample::select(vec![
            "",
            "-1",
            "text/html",
            "application/json",
            "Tue, 14 Nov 2023 22:13:30 GMT",
            "Tue, 14 Nov 9999 22:13:30 GMT",
            "Tue, 99 Foo 0000 99:99:99 GMT",
            "Tuesday, 14-Nov-23 22:13:30 GMT",
            "99999999999999999999999999999999999999",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    (name.prop_map(String::from), value)
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => objects().prop_map(String::into_bytes),
        3 => (objects(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        2 => (objects(), any::<prop::sample::Index>()).prop_map(|(text, at)| {
            let bytes = text.into_bytes();
            bytes[..at.index(bytes.len())].to_vec()
        }),
        1 => objects().prop_map(|text| format!("<html>{text}</html>").into_bytes()),
        1 => objects().prop_map(|text| format!("[{text}]").into_bytes()),
        1 => prop::collection::vec(values(), 0..10).prop_map(|values| format!("[{}]", values.join(",")).into_bytes()),
        1 => (1_usize..5000).prop_map(|depth| "[".repeat(depth).into_bytes()),
        1 => (1_usize..500).prop_map(|depth| format!("{}1{}", r#"{"token":"#.repeat(depth), "}".repeat(depth)).into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => Just(Vec::new()),
        1 => Just(b" \r\n".to_vec()),
    ]
}

/// An object of the fields that matter, each with any value.
fn objects() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "status",
        "token",
        "cookie",
        "code",
        "mfa_enabled",
        "tenant_id",
        "message",
        "error",
        "statusCode",
        "other",
    ]);
    let any_fields = prop::collection::btree_map(name, values(), 0..7);
    let documented = prop_oneof![
        Just(vec![("status", r#""success""#), ("token", r#""a.b.c""#)]),
        Just(vec![("status", r#""success""#), ("mfa_enabled", "true"), ("code", r#""challenge""#)]),
        Just(vec![("status", r#""error""#), ("message", r#""no""#)]),
        Just(vec![]),
    ];
    (documented, any_fields).prop_map(|(documented, any_fields)| {
        let mut fields: std::collections::BTreeMap<&str, String> = any_fields;
        fields.extend(documented.into_iter().map(|(name, value)| (name, value.to_string())));
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// A JSON value as text.
fn values() -> impl Strategy<Value = String> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    prop_oneof![
        prop::sample::select(vec![
            "true",
            "false",
            "null",
            "0",
            "-1",
            "429",
            "401",
            "503",
            "\"401\"",
            "1e400",
            "1e5",
            "{}",
            "[]",
            "18446744073709551615",
        ])
        .prop_map(String::from),
        prop::sample::select(vec![
            "",
            "success",
            "error",
            "a.b.c",
            "a\r\nX-Evil: 1",
            "tökén",
            "a b",
            "\0",
            "a;b",
            "e30.e30.x",
            USER,
            PASSWORD,
            "111111",
            "1\u{7}11111",
            "correct\u{200b}-horse",
        ])
        .prop_map(text),
        any::<String>().prop_map(move |string| text(&string)),
        (16_300_usize..16_500).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
    ]
}

/// Whether an answer can be a rejection by the rules of `docs/protocol.md`, "Failures".
fn may_reject(answer: &Reply) -> bool {
    let Reply::Answer { status, headers, body } = answer else { return false };
    let json: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(body).ok();
    let status_in_body = |name: &str| match json.as_ref()?.get(name)? {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        number => number.as_f64(),
    };
    let is = |status: f64| [status_in_body("status"), status_in_body("statusCode")].contains(&Some(status));
    if *status == 429 || is(429.0) {
        return false;
    }
    let is_html = |(name, value): &(String, Vec<u8>)| {
        name.eq_ignore_ascii_case("content-type")
            && value.to_ascii_lowercase().windows(4).any(|part| part == b"html")
    };
    let is_blank = body.trim_ascii().is_empty();
    let looks_like_html =
        !is_blank && (headers.iter().any(is_html) || body.trim_ascii_start().starts_with(b"<"));
    let is_object = body.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    match status {
        401 | 403 | 423 => is_object || !looks_like_html,
        400 | 409 | 422 => is_object,
        // A number beyond a double is JSON, though it fits no `Value`.
        200..300 => {
            is_object
                && json.as_ref().is_none_or(|json| {
                    json.get("status").is_some_and(|status| status != "success")
                        || [400.0, 401.0, 403.0, 409.0, 422.0, 423.0].into_iter().any(is)
                })
        }
        _ => false,
    }
}

fn hand_in(driver: &mut Driver, answer: &Reply) -> Output {
    let id = driver.out.take().unwrap().id;
    driver.hand_in_under(id, answer).unwrap();
    driver.drain()
}

fn failures(driver: &Driver) -> impl Iterator<Item = &Failure> {
    driver.events.iter().filter_map(|event| match event {
        plextrac_auth_core::Event::Failed(failure) => Some(failure),
        _ => None,
    })
}
