//! 用户中心: who I am, my applications; and the dictionaries every form needs.

use application::access::Action;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::dictionary::{self, Dictionary};
use domain::staff_account::StaffAccount;
use projections::account_directory::{self, AccountDirectory};
use projections::page::{PageQuery, PageRequest};
use projections::parks::{self, ParkRow, Parks};
use projections::provider_applications::{
    self, ProviderApplicationFilter, ProviderApplicationRow, ProviderApplications,
};
use projections::settlement_applications::{self, MySettlementFilter, SettlementApplications, SettlementRow};
use serde::Serialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::TAG;
use crate::menu::{Menu, menu_of};
use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::query::{Asked, Listed};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(menu))
        .routes(routes!(dictionaries))
        .routes(routes!(applications))
}

/// Parks of one person that are shown with them; the whole list is `GET parks/mine`.
const PARKS_MAX: u32 = 100;

/// The caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The account.
    id: Uuid,
    /// A person or a member of staff.
    kind: MeKind,
    /// The number, masked; for persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// Roles now.
    roles: Vec<String>,
    /// Since when; for persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_at: Option<DateTime<Utc>>,
    /// Statement version agreed to last; for persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    consented_version: Option<String>,
    /// Parks whose back office may be entered.
    parks: Vec<MyParkRef>,
}

/// What kind of account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MeKind {
    /// A person.
    Person,
    /// A member of the authority's staff.
    Staff,
}

/// A park of mine.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyParkRef {
    /// The park.
    id: Uuid,
    /// Its name.
    name: String,
    /// `owner` or `staff`.
    role: String,
}

impl From<ParkRow> for MyParkRef {
    fn from(park: ParkRow) -> Self {
        Self { id: park.id, name: park.name, role: park.role.unwrap_or_default() }
    }
}

/// Who I am.
#[utoipa::path(get, path = "/me", operation_id = "meRead", tag = TAG, responses((status = 200, body = Me)))]
async fn me(State(state): State<AppState>, mut asked: Asked) -> Result<Response, Problem> {
    asked.may(Action::ReadOwnAccount)?;
    asked.see(&state, &AccountDirectory).await?;
    asked.see(&state, &Parks).await?;
    let roles = asked.caller.actor.roles().iter().map(|role| role.name().to_owned()).collect();
    let body = match &asked.caller.actor {
        Actor::Person { account, .. } => {
            let row = account_directory::get(&state.db, &asked.caller.actor, *account).await?;
            let mut phone = row.as_ref().and_then(|row| row.phone.clone()).unwrap_or_default();
            reveal(&state.vault, &mut [&mut phone], Show::Masked).await?;
            let mine = parks::mine(&state.db, &asked.caller.actor, &PageRequest::first(PARKS_MAX)).await?;
            Me {
                id: account.0,
                kind: MeKind::Person,
                phone: phone.as_str().map(str::to_owned),
                username: None,
                roles,
                registered_at: row.as_ref().map(|row| row.registered_at),
                consented_version: row.and_then(|row| row.consented_version),
                parks: mine.items.into_iter().map(Into::into).collect(),
            }
        }
        Actor::Staff { staff, .. } => {
            let account = state.app.load::<StaffAccount>(staff.0).await?.state;
            Me {
                id: staff.0,
                kind: MeKind::Staff,
                phone: None,
                username: Some(account.username),
                roles,
                registered_at: None,
                consented_version: None,
                parks: Vec::new(),
            }
        }
        Actor::Visitor | Actor::Process(_) => return Err(Problem::not_found()),
    };
    Ok(asked.answer(&body, None))
}

/// The menu, the permissions and the counters of the caller: what a front end asks first.
#[utoipa::path(get, path = "/me/menu", operation_id = "meMenuRead", tag = TAG, responses((status = 200, body = Menu)))]
async fn menu(State(state): State<AppState>, mut asked: Asked) -> Result<Response, Problem> {
    asked.may(Action::ReadOwnAccount)?;
    asked.see(&state, &projections::review_queue::ReviewQueue).await?;
    let menu = menu_of(&state, &asked.caller.actor).await?;
    Ok(asked.answer(&menu, None))
}

/// A fixed list of codes with their labels.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DictionaryBody {
    /// Its name.
    name: String,
    /// Its entries, in the order to show them.
    entries: Vec<DictionaryEntry>,
}

/// One code.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DictionaryEntry {
    /// What is sent and stored.
    code: String,
    /// What people read.
    label: String,
}

impl From<Dictionary> for DictionaryBody {
    fn from(dictionary: Dictionary) -> Self {
        let entries = dictionary.entries.into_iter();
        Self {
            name: dictionary.name.to_owned(),
            entries: entries
                .map(|e| DictionaryEntry { code: e.code.to_owned(), label: e.label.to_owned() })
                .collect(),
        }
    }
}

/// All fixed lists that forms need.
#[utoipa::path(get, path = "/dictionaries", operation_id = "dictionaryList", tag = TAG, security(()),
    responses((status = 200, body = Vec<DictionaryBody>)))]
async fn dictionaries(asked: Asked) -> Response {
    let all: Vec<DictionaryBody> = dictionary::all().into_iter().map(Into::into).collect();
    asked.answer(&all, None)
}

/// My applications.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyApplications {
    /// To become a park or base: a page of them.
    items: Vec<ProviderApplicationRow>,
    /// What `cursor` of the next page is; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// Rows on all pages; exact to 10,000.
    total: u64,
    /// There are more rows than `total` says.
    total_is_estimate: bool,
    /// To settle in parks: the newest 20; all of them are in `GET me/settlement-applications`.
    settlement_applications: Vec<SettlementRow>,
}

/// My applications, newest first: to become a park or base, and to settle in one.
#[utoipa::path(get, path = "/me/applications", operation_id = "meApplicationList", tag = TAG,
    params(ProviderApplicationFilter, PageQuery), responses((status = 200, body = MyApplications)))]
async fn applications(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<ProviderApplicationFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadOwnApplications)?;
    asked.see(&state, &ProviderApplications).await?;
    asked.see(&state, &SettlementApplications).await?;
    let viewer = &asked.caller.actor;
    let page = provider_applications::list(&state.db, viewer, &listed.filter, &listed.page).await?;
    let (all, first) = (MySettlementFilter::default(), PageRequest::default());
    let mut settlements = settlement_applications::mine(&state.db, viewer, &all, &first).await?.items;
    let mut contacts: Vec<&mut Value> = settlements.iter_mut().map(|row| &mut row.application).collect();
    reveal(&state.vault, &mut contacts, Show::Full).await?;
    let mine = MyApplications {
        items: page.items,
        next_cursor: page.next_cursor,
        total: page.total,
        total_is_estimate: page.total_is_estimate,
        settlement_applications: settlements,
    };
    Ok(asked.answer(&mine, None))
}
