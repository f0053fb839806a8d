//! What the account promises its tasks, with the emulator as the witness. The runtime of a test has one thread, so
//! that what runs before what is known.

mod stand;

use std::time::Duration;

use machine_reqwest::Error;
use plextrac_auth_core::FailureKind;
use plextrac_emulator::{Account as User, Kind, Outcome, Target};
use reqwest::Method;

use stand::{Stand, asking, third};

#[tokio::test]
async fn tasks_that_want_a_token_at_once_share_one_sign_in() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    let held = stand.emulator.hold(Target::SignIn);
    let tasks = asking(&account, 50).await;
    assert!(tasks.iter().all(|task| !task.is_finished()), "all wait for the answer that is held");
    drop(held);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(stand.emulator.stats().authentication_requests(), 1);
}

#[tokio::test]
async fn an_account_with_a_totp_secret_signs_in_in_two_steps() {
    let stand = Stand::new(6);
    let account = stand.account(&User::analyst());
    let answer = account.send(account.request(Method::GET, "/api/v2/whoami")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("analyst@example.com"));
    let stats = stand.emulator.stats();
    assert_eq!(stats.count(Kind::SignIn, Outcome::Challenge), 1);
    assert_eq!(stats.count(Kind::Mfa, Outcome::Ok), 1);
}

#[tokio::test]
async fn without_a_totp_secret_the_failure_says_that_a_code_is_needed() {
    let stand = Stand::new(6);
    let analyst = User::analyst();
    let account = stand.account(&User::new(analyst.username, analyst.password));
    let Err(failure) = account.token().await else { panic!("nobody gave a code") };
    assert_eq!(failure.kind(), FailureKind::MfaRequired);
}

#[tokio::test]
async fn after_a_401_all_tasks_share_a_new_token_and_send_again() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    account.token().await.unwrap();
    stand.emulator.revoke_tokens();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move {
                let echo = account.request(Method::POST, "/api/v1/echo").body("[1, 2, 3]");
                account.send(echo).await.unwrap().status()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    let stats = stand.emulator.stats();
    assert!(stats.count(Kind::Echo, Outcome::Unauthorized) > 0, "nothing was refused: {stats:?}");
    assert_eq!(stats.of_kind(Kind::Refresh), 1, "one refresh tries first");
    assert_eq!(stats.of_kind(Kind::SignIn), 2, "its refusal leads to one sign-in");
}

#[tokio::test]
async fn a_401_that_a_new_token_does_not_cure_is_the_callers_answer() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    stand.emulator.set_always_unauthorized("/api/v1/echo");
    for _ in 0..3 {
        let answer = account.send(account.request(Method::GET, "/api/v1/echo")).await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(stand.emulator.stats().authentication_requests(), 2, "a sign-in, and one attempt to cure it");
}

#[tokio::test]
async fn accounts_of_one_instance_stay_within_one_budget() {
    let stand = Stand::new(2);
    let (service, third) = (stand.account(&User::service()), stand.account(&third()));
    service.token().await.unwrap();
    // It might need a second step, and there is one place left.
    let Err(failure) = third.token().await else { panic!("over the budget") };
    assert_eq!(failure.kind(), FailureKind::MustWait);
    let wait = failure.retry_after().unwrap();
    assert_eq!(stand.emulator.stats().authentication_requests(), 1);
    stand.advance(wait);
    third.token().await.unwrap();
    assert_eq!(stand.emulator.stats().busiest_minute, 1);
}

#[tokio::test]
async fn a_sign_in_whose_caller_was_cancelled_serves_the_next() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    let held = stand.emulator.hold(Target::SignIn);
    let caller = asking(&account, 1).await.pop().unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    drop(held);
    account.token().await.unwrap();
    assert_eq!(stand.emulator.stats().authentication_requests(), 1);
}

#[tokio::test]
async fn a_refresh_ahead_of_time_keeps_nobody_waiting() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    let first = account.token().await.unwrap();
    stand.advance(Duration::from_secs(11 * 60));
    let _held = stand.emulator.hold(Target::Refresh);
    for _ in 0..10 {
        assert!(account.token().await.unwrap().matches(first.expose()), "the old token is live");
    }
    stand.sees(Kind::Refresh).await;
    assert!(account.token().await.unwrap().matches(first.expose()), "the answer is held");
    assert_eq!(stand.emulator.stats().authentication_requests(), 2, "a sign-in and one refresh");
}

#[tokio::test]
async fn in_the_last_minute_of_a_token_all_wait_for_one_refresh() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    let first = account.token().await.unwrap();
    stand.advance(Duration::from_secs(14 * 60 + 10));
    let held = stand.emulator.hold(Target::Refresh);
    let tasks = asking(&account, 10).await;
    stand.sees(Kind::Refresh).await;
    assert!(tasks.iter().all(|task| !task.is_finished()), "all wait for the answer that is held");
    drop(held);
    for task in tasks {
        assert!(!task.await.unwrap().unwrap().matches(first.expose()));
    }
    assert_eq!(stand.emulator.stats().authentication_requests(), 2, "a sign-in and one refresh");
}

#[tokio::test]
async fn no_request_goes_to_another_origin() {
    let stand = Stand::new(6);
    let account = stand.account(&User::service());
    // Behind the host and port of the instance, so that they become a user name.
    let foreign = account.request(Method::GET, "@127.0.0.1:9/api/v2/whoami");
    assert!(matches!(account.send(foreign).await, Err(Error::ForeignUrl | Error::Http(_))));
    assert_eq!(stand.emulator.stats().authentication_requests(), 0);
}

#[tokio::test]
async fn an_untrusted_certificate_is_a_tls_failure() {
    let stand = Stand::new(6);
    let account = stand.distrusting(&User::service());
    let Err(failure) = account.token().await else { panic!("trusted by nobody") };
    assert_eq!(failure.kind(), FailureKind::Tls);
    let stats = stand.emulator.stats();
    assert_eq!(
        (stats.connections.tls, stats.authentication_requests()),
        (1, 0),
        "it came as far as the handshake"
    );
}
