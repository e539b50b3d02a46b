//! From a proved phone, a proved identity or a username to an account.
//!
//! Codes, callbacks, passwords and second factors are checked in infrastructure; here is what follows for the account.

use domain::account::{
    Account, AccountCommand, AccountError, ProvedIdentity, SignInChannel, StatementVersion, phone_claim,
};
use domain::actor::Actor;
use domain::aggregate::Claim;
use domain::id::{AccountId, SessionId, StaffId};
use domain::phone::Phone;
use domain::staff_account::{
    StaffAccount, StaffAccountCommand, StaffAccountError, parse_username, username_claim,
};

use crate::execute::{App, Context, ExecuteError, Order, Receipt, Refused};
use crate::ports::StoreError;

/// A person who proved a phone number.
#[derive(Debug, Clone)]
pub struct ProvedPhone {
    /// The number.
    pub phone: Phone,
    /// How.
    pub channel: SignInChannel,
    /// The statement version they ticked.
    pub consented: Option<String>,
    /// The current statement.
    pub current: StatementVersion,
}

/// Who signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Their account.
    pub account: AccountId,
    /// Their new session.
    pub session: SessionId,
    /// It was their first time.
    pub registered: bool,
    /// The command's receipt.
    pub receipt: Receipt,
}

/// Signs a person in by a phone they proved; registers them the first time.
///
/// Two first sign-ins at once make one account: the second finds the claim taken and signs in to the first one's.
pub async fn by_phone(app: &App, proved: &ProvedPhone, context: &Context) -> Result<SignedIn, ExecuteError> {
    match into_account(app, proved, context).await {
        Err(ExecuteError::Refused(refused)) if refused.code == "account.phone_taken" => {
            into_account(app, proved, context).await
        }
        outcome => outcome,
    }
}

/// Refuses what signing in would refuse, before the code is used up.
pub async fn check_consent(app: &App, proved: &ProvedPhone) -> Result<(), ExecuteError> {
    let state = match holder(app, proved).await? {
        Some(account) => app.load::<Account>(account.0).await?.state,
        None => Account::default(),
    };
    Ok(state.check_consent(proved.consented.as_deref(), &proved.current).map_err(Refused::from)?)
}

/// Whether an identity has an account that may come in without agreeing to anything anew.
pub async fn is_known(
    app: &App,
    identity: &ProvedIdentity,
    current: &StatementVersion,
) -> Result<bool, ExecuteError> {
    let Some(account) = held(app, &identity.provider.claim(&identity.subject)).await? else {
        return Ok(false);
    };
    let state = app.load::<Account>(account.0).await?.state;
    Ok(state.check_consent(None, current).is_ok())
}

/// Signs a person in by an identity that is linked to their account.
pub async fn by_identity(
    app: &App,
    identity: &ProvedIdentity,
    current: &StatementVersion,
    context: &Context,
) -> Result<SignedIn, ExecuteError> {
    let held = held(app, &identity.provider.claim(&identity.subject)).await?;
    // Unlinked since it was looked up.
    let account = held.ok_or_else(|| Refused::from(AccountError::NotFound))?;
    let session = SessionId(app.clock.new_id());
    let command = AccountCommand::SignInByIdentity {
        identity: identity.clone(),
        session,
        consented: None,
        current: current.clone(),
    };
    let by = Actor::Person { account, parks: Vec::new() };
    let receipt = app.execute::<Account>(Order::new(account.0, by, command, context.clone())).await?;
    Ok(SignedIn { account, session, registered: false, receipt })
}

/// Links an identity to the account of a phone the person proved, and signs them in; registers them the first time.
pub async fn bind(
    app: &App,
    proved: &ProvedPhone,
    identity: &ProvedIdentity,
    context: &Context,
) -> Result<SignedIn, ExecuteError> {
    match bind_to_account(app, proved, identity, context).await {
        // Somebody registered the number in between: it is the same person, who proved it.
        Err(ExecuteError::Refused(refused)) if refused.code == "account.phone_taken" => {
            bind_to_account(app, proved, identity, context).await
        }
        outcome => outcome,
    }
}

async fn bind_to_account(
    app: &App,
    proved: &ProvedPhone,
    identity: &ProvedIdentity,
    context: &Context,
) -> Result<SignedIn, ExecuteError> {
    let known = holder(app, proved).await?;
    let account = known.unwrap_or_else(|| AccountId(app.clock.new_id()));
    let session = SessionId(app.clock.new_id());
    let command = AccountCommand::BindIdentity {
        account,
        phone: proved.phone.clone(),
        identity: identity.clone(),
        session,
        consented: proved.consented.clone(),
        current: proved.current.clone(),
    };
    let by = Actor::Person { account, parks: Vec::new() };
    let receipt = app.execute::<Account>(Order::new(account.0, by, command, context.clone())).await?;
    Ok(SignedIn { account, session, registered: known.is_none(), receipt })
}

async fn holder(app: &App, proved: &ProvedPhone) -> Result<Option<AccountId>, ExecuteError> {
    held(app, &phone_claim(proved.phone.as_str())).await
}

async fn held(app: &App, claim: &Claim) -> Result<Option<AccountId>, ExecuteError> {
    let known = app.store.holder(claim).await?;
    known.map(|id| id.parse().map_err(|source| StoreError::Failed(Box::new(source)).into())).transpose()
}

async fn into_account(app: &App, proved: &ProvedPhone, context: &Context) -> Result<SignedIn, ExecuteError> {
    let known = holder(app, proved).await?;
    let account = known.unwrap_or_else(|| AccountId(app.clock.new_id()));
    let session = SessionId(app.clock.new_id());
    let command = AccountCommand::SignIn {
        account,
        phone: proved.phone.clone(),
        channel: proved.channel,
        session,
        consented: proved.consented.clone(),
        current: proved.current.clone(),
    };
    let by = Actor::Person { account, parks: Vec::new() };
    let receipt = app.execute::<Account>(Order::new(account.0, by, command, context.clone())).await?;
    Ok(SignedIn { account, session, registered: known.is_none(), receipt })
}

/// The staff account of a username, if there is one.
pub async fn staff_by_username(
    app: &App,
    username: &str,
) -> Result<Option<(StaffId, StaffAccount)>, ExecuteError> {
    let Ok(username) = parse_username(username) else { return Ok(None) };
    let Some(id) = app.store.holder(&username_claim(&username)).await? else { return Ok(None) };
    let id: StaffId = id.parse().map_err(|source| StoreError::Failed(Box::new(source)))?;
    let state = app.load::<StaffAccount>(id.0).await?.state;
    Ok(Some((id, state)))
}

/// Records that secrets for `staff` were wrong, and gives the refusal to answer with.
pub async fn staff_failed(app: &App, staff: StaffId, context: &Context) -> ExecuteError {
    let order = Order::new(staff.0, Actor::Visitor, StaffAccountCommand::FailSignIn, context.clone());
    match app.execute::<StaffAccount>(order).await {
        Ok(_) => Refused::from(StaffAccountError::CredentialsWrong).into(),
        Err(error) => error,
    }
}
