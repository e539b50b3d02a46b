//! Secrets of staff.

use application::ports::{Clock, StoreError};
use chrono::{DateTime, Utc};
use domain::id::StaffId;
use domain::staff_account::{SecondFactorUsed, StaffAccount};
use infrastructure::credentials::Credentials;
use infrastructure::keys::MasterKey;
use infrastructure::passwords::{PasswordPolicy, generate_one_time};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret};

use super::Store;

fn credentials(store: &Store) -> Credentials {
    Credentials::new(store.pool.clone(), store.clock(), &store.master)
}

fn staff(store: &Store) -> StaffId {
    StaffId(store.clock.new_id())
}

/// What the authenticator app shows.
fn app_shows(secret: &SecretString, at: DateTime<Utc>) -> String {
    let secret = Secret::try_from_base32(secret.expose_secret()).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(at.timestamp().try_into().unwrap()).to_string()
}

#[tokio::test]
async fn a_password_is_known_by_its_record_only() {
    let store = Store::new().await;
    let credentials = credentials(&store);
    let (right, wrong) = (generate_one_time(), generate_one_time());
    let record = credentials.store_password(staff(&store), &right).await.unwrap();
    assert!(credentials.verify_password(Some(record), &right).await.unwrap());
    assert!(!credentials.verify_password(Some(record), &wrong).await.unwrap());
    assert!(!credentials.verify_password(None, &right).await.unwrap());
    let second_factor = credentials.store_second_factor(staff(&store)).await.unwrap();
    assert!(!credentials.verify_password(Some(second_factor.totp), &right).await.unwrap());
    assert!(!store.shows("credentials", &hex(right.expose_secret())).await);
    store.close().await;
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[tokio::test]
async fn a_time_based_code_is_good_once() {
    let store = Store::new().await;
    let credentials = credentials(&store);
    let made = credentials.store_second_factor(staff(&store)).await.unwrap();
    let mut account = StaffAccount {
        second_factor: Some(made.totp),
        recovery_codes: Some(made.recovery_codes),
        ..StaffAccount::default()
    };
    let code = app_shows(&made.totp_secret, store.now());
    let used = credentials.check_second_factor(&account, Some(&code)).await.unwrap().unwrap();
    let step = store.now().timestamp() / 30;
    assert_eq!(used, SecondFactorUsed::Totp { step });
    account.check_second_factor(used).unwrap();
    account.totp_step = Some(step);
    let again = credentials.check_second_factor(&account, Some(&code)).await.unwrap().unwrap();
    assert!(account.check_second_factor(again).is_err());
    assert_eq!(credentials.check_second_factor(&account, None).await.unwrap(), None);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(credentials.check_second_factor(&account, Some(wrong)).await.unwrap(), None);
    store.close().await;
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_app() {
    let store = Store::new().await;
    let credentials = credentials(&store);
    let made = credentials.store_second_factor(staff(&store)).await.unwrap();
    let account = StaffAccount {
        second_factor: Some(made.totp),
        recovery_codes: Some(made.recovery_codes),
        ..StaffAccount::default()
    };
    let last = made.recovery_code_list[9].expose_secret();
    let used = credentials.check_second_factor(&account, Some(last)).await.unwrap();
    assert_eq!(used, Some(SecondFactorUsed::RecoveryCode { index: 9 }));
    assert_eq!(credentials.check_second_factor(&account, Some("aaaaa-aaaaa")).await.unwrap(), None);
    let without = StaffAccount::default();
    assert_eq!(credentials.check_second_factor(&without, None).await.unwrap(), Some(SecondFactorUsed::None));
    assert!(!store.shows("credentials", &hex(last)).await);
    store.close().await;
}

#[tokio::test]
async fn another_master_key_opens_no_secret_and_says_so() {
    let store = Store::new().await;
    let made = credentials(&store).store_second_factor(staff(&store)).await.unwrap();
    let other = Credentials::new(store.pool.clone(), store.clock(), &MasterKey::from_bytes([7; 32]));
    let outcome = other.check_totp(made.totp, "000000").await;
    assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
    let recovery = made.recovery_code_list[0].expose_secret();
    assert_eq!(other.check_recovery_code(made.recovery_codes, recovery).await.unwrap(), None);
    store.close().await;
}

#[tokio::test]
async fn the_last_five_passwords_do_not_come_back() {
    let store = Store::new().await;
    let credentials = credentials(&store);
    let staff = staff(&store);
    let mut account = StaffAccount { username: "reviewer1".to_owned(), ..StaffAccount::default() };
    let passwords: Vec<SecretString> = (0..5).map(|_| generate_one_time()).collect();
    for password in &passwords {
        account.passwords.push(credentials.store_password(staff, password).await.unwrap());
    }
    let codes = async |policy, password: &SecretString| {
        let broken = credentials.check_new_password(policy, &account, password).await.unwrap();
        broken.into_iter().map(|error| (error.pointer, error.code)).collect::<Vec<_>>()
    };
    let reused = vec![("/newPassword".to_owned(), "password.reused".to_owned())];
    assert_eq!(codes(PasswordPolicy::Djbh3, &passwords[0]).await, reused);
    assert_eq!(codes(PasswordPolicy::Djbh3, &passwords[4]).await, reused);
    assert_eq!(codes(PasswordPolicy::Asvs, &passwords[0]).await, []);
    assert_eq!(codes(PasswordPolicy::Asvs, &passwords[4]).await, reused);
    assert_eq!(codes(PasswordPolicy::Djbh3, &generate_one_time()).await, []);
    store.close().await;
}
