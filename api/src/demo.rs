//! Demo data for a newcomer, in sandbox mode only: one staff account per role, two persons, an approved park and an
//! application that waits in the review queue. And the first legal statement, which every installation needs.

use std::io::{self, Write};

use anyhow::{Context as _, bail};
use application::sign_in::{ProvedPhone, by_phone};
use application::{Context, ExecuteError, Order};
use domain::account::SignInChannel;
use domain::actor::{Actor, Role};
use domain::id::{AccountId, StaffId};
use domain::legal_statement::{LegalStatement, LegalStatementCommand, PLATFORM};
use domain::park::ParkKind;
use domain::phone::Phone;
use domain::profile::ProfileInput;
use domain::provider_application::{Certification, ProviderApplication, ProviderApplicationCommand};
use domain::review::ReviewCommand;
use domain::staff_account::{NewStaff, StaffAccount, StaffAccountCommand, username_claim};
use secrecy::SecretString;
use uuid::Uuid;

use crate::state::AppState;

/// Password of every demo account; production mode refuses accounts without a second factor, and these have none.
const PASSWORD: &str = "Sanya-demo-2026";
const STAFF: [(&str, Role); 6] = [
    ("reviewer", Role::Reviewer),
    ("assessor", Role::Assessor),
    ("editor", Role::Editor),
    ("sysadmin", Role::SystemAdmin),
    ("secadmin", Role::SecurityAdmin),
    ("auditor", Role::Auditor),
];
const SEEDER: Actor = Actor::Process("demo");
const STATEMENT_VERSION: &str = "2026-11";
const STATEMENT_TITLE: &str = "平台法律声明";
const STATEMENT_BODY: &str = include_str!("demo/legal_statement.txt");

fn context(state: &AppState) -> Context {
    Context { trace_id: state.app.clock.new_id().simple().to_string(), ..Context::default() }
}

/// Publishes the statement that zsq brings along, unless there is one.
pub(crate) async fn first_statement(state: &AppState) -> anyhow::Result<()> {
    if !state.app.load::<LegalStatement>(PLATFORM.0).await?.state.versions.is_empty() {
        return Ok(());
    }
    let command = LegalStatementCommand::Publish {
        version: STATEMENT_VERSION.to_owned(),
        title: STATEMENT_TITLE.to_owned(),
        body: STATEMENT_BODY.to_owned(),
    };
    let order = Order::new(PLATFORM.0, Actor::Process("first_statement"), command, context(state));
    match state.app.execute::<LegalStatement>(order).await {
        // Another process that starts at the same time may have been first.
        Ok(_) | Err(ExecuteError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes the demo data; false when there is some already.
pub async fn seed(state: &AppState) -> anyhow::Result<bool> {
    if state.config.is_production() {
        bail!("--demo: production mode has no demo accounts");
    }
    if state.app.store.holder(&username_claim(STAFF[0].0)).await?.is_some() {
        return Ok(false);
    }
    let mut reviewer = None;
    for (username, role) in STAFF {
        let staff = create_staff(state, username, role).await?;
        if role == Role::Reviewer {
            reviewer = Some(Actor::Staff { staff, roles: [role].into() });
        }
    }
    let reviewer = reviewer.context("the demo has a reviewer")?;
    let owner = register(state, "13800000001").await?;
    let approved = apply(state, owner, ParkKind::Park, include_str!("demo/yazhou.json")).await?;
    review(
        state,
        approved,
        reviewer,
        ReviewCommand::Approve { comment: Some("材料齐全，同意。".to_owned()) },
    )
    .await?;
    let applicant = register(state, "13800000002").await?;
    apply(state, applicant, ParkKind::Base, include_str!("demo/tianya.json")).await?;
    Ok(true)
}

async fn create_staff(state: &AppState, username: &str, role: Role) -> anyhow::Result<StaffId> {
    let staff = StaffId(state.app.clock.new_id());
    let password = state.credentials.store_password(staff, &SecretString::from(PASSWORD)).await?;
    let new = NewStaff {
        staff,
        username: username.to_owned(),
        roles: vec![role],
        password,
        one_time: false,
        second_factor: None,
    };
    let order = Order::new(staff.0, SEEDER, StaffAccountCommand::Create(new), context(state));
    state.app.execute::<StaffAccount>(order).await?;
    Ok(staff)
}

async fn register(state: &AppState, phone: &str) -> anyhow::Result<AccountId> {
    let statement = state.app.load::<LegalStatement>(PLATFORM.0).await?.state;
    let current = statement.versions.last().cloned().context("there is a legal statement")?;
    let proved = ProvedPhone {
        phone: Phone::parse(phone)?,
        channel: SignInChannel::Sms,
        consented: Some(current.version.clone()),
        current,
    };
    Ok(by_phone(&state.app, &proved, &context(state)).await?.account)
}

async fn apply(
    state: &AppState,
    applicant: AccountId,
    kind: ParkKind,
    profile: &str,
) -> anyhow::Result<Uuid> {
    let input: ProfileInput = serde_json::from_str(profile)?;
    let profile = input
        .parse(applicant.0)
        .map_err(|errors| anyhow::anyhow!("the demo profile is wrong: {errors:?}"))?;
    let by = Actor::Person { account: applicant, parks: Vec::new() };
    let id = state.app.clock.new_id();
    let open = ProviderApplicationCommand::Open {
        kind,
        profile: Box::new(profile),
        certification: Certification::NotRequired,
        previous: None,
    };
    state.app.execute::<ProviderApplication>(Order::new(id, by.clone(), open, context(state))).await?;
    review(state, id, by, ReviewCommand::Submit).await?;
    Ok(id)
}

async fn review(
    state: &AppState,
    id: Uuid,
    by: Actor,
    command: ReviewCommand<domain::profile::Profile>,
) -> anyhow::Result<()> {
    let intent = ProviderApplicationCommand::Review(Box::new(command));
    state.app.execute::<ProviderApplication>(Order::new(id, by, intent, context(state))).await?;
    Ok(())
}

/// The demo accounts, for the welcome.
pub fn print_accounts(out: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = STAFF.iter().map(|(username, _)| *username).collect();
    writeln!(out, "  staff          {} · password {PASSWORD}", names.join(" "))?;
    writeln!(
        out,
        "  persons        13800000001 (runs a park) · 13800000002 (waits for review) · sign in by SMS code"
    )
}
