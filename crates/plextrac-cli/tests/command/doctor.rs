//! `doctor`.

use plextrac_emulator::{Fault, Target};

use crate::stand::{Stand, run};

#[test]
fn doctor_finds_nothing_in_the_way_and_signs_nobody_in() {
    let stand = Stand::new();
    let told = run(&mut stand.analyst(&["doctor"])).fine().to_owned();
    for line in [
        "note  profile   none is used",
        &format!("ok    settings  {}", stand.emulator.tls_url()),
        "ok    instance  answers in ",
        "ok    clock     ",
        "ok    health    not in maintenance mode",
        "ok    sign-in   user name analyst@example.com, a password (not tried)",
        "ok    MFA       a TOTP secret, well formed",
        "ok    sharing   ",
        "note  session   none yet",
    ] {
        assert!(told.lines().any(|found| found.starts_with(line)), "{line} in\n{told}");
    }
    assert_eq!(stand.authentication_requests(), 0);
    assert!(stand.emulator.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn doctor_says_what_stands_in_the_way_and_exits_as_a_sign_in_would() {
    let stand = Stand::new();
    let mut command = stand.service(&["doctor"]);
    let untrusted = run(command.env_remove("PLEXTRAC_CA_FILE"));
    assert_eq!(untrusted.code, 6);
    assert!(untrusted.text().contains("bad   instance"), "{untrusted:?}");

    stand.emulator.fault(Fault::on(Target::Path("/api/v1/".into())).html(503));
    let gateway = run(&mut stand.service(&["doctor"]));
    assert_eq!(gateway.code, 7);
    assert!(gateway.text().contains("bad   instance  HTTP 503"), "{gateway:?}");

    let malformed = run(stand.service(&["doctor"]).env("PLEXTRAC_TOTP_SECRET", "1"));
    assert_eq!(malformed.code, 2);
    assert!(malformed.text().contains("bad   MFA"), "{malformed:?}");
}

#[test]
fn doctor_tells_of_maintenance() {
    let stand = Stand::new();
    stand.emulator.fault(Fault::on(Target::SignIn).always().maintenance());
    let ran = run(&mut stand.service(&["doctor"]));
    assert_eq!(ran.code, 7);
    assert!(ran.text().contains("bad   health    the instance is in maintenance mode"), "{ran:?}");
}

#[test]
fn doctor_knows_of_a_rejected_password_and_of_a_clock_that_is_wrong() {
    let stand = Stand::new();
    let mistaken = |args: &[&str]| {
        let mut command = stand.service(args);
        run(command.env("PLEXTRAC_PASSWORD", "mistyped"))
    };
    mistaken(&["login"]).refused(4);
    stand.emulator.clock().set_unix_offset_ms(-7_200_000);
    let ran = mistaken(&["doctor"]);
    assert_eq!(ran.code, 4);
    assert!(ran.text().contains("bad   session   these credentials were rejected"), "{ran:?}");
    assert!(ran.text().contains("behind this machine's"), "{ran:?}");
    assert_eq!(stand.authentication_requests(), 1);
}
