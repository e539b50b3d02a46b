//! 平台法律声明: the current one for everybody, the next one by an editor.

use application::access::Action;
use axum::extract::State;
use axum::response::Response;
use domain::legal_statement::{LegalStatement, LegalStatementCommand, PLATFORM};
use projections::legal_statements::{self, LegalStatementRow, LegalStatements};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::command::{Command, Done, ReceiptBody};
use crate::problem::Problem;
use crate::query::Asked;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(current)).routes(routes!(publish))
}

/// The next version of the statement.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishLegalStatement {
    /// Its version, such as `2026-11`; 1 to 32 characters.
    version: String,
    /// Its title; 2 to 100 characters.
    title: String,
    /// Its text; 10 to 50,000 characters.
    body: String,
}

/// The statement everybody must agree to now, with its whole text.
#[utoipa::path(
    get,
    path = "/legal-statements/current",
    operation_id = "legalStatementRead",
    tag = "登录与账号",
    security(()),
    responses((status = 200, body = LegalStatementRow))
)]
async fn current(State(state): State<AppState>, mut asked: Asked) -> Result<Response, Problem> {
    asked.see(&state, &LegalStatements).await?;
    let statement =
        legal_statements::current(&state.db, &asked.caller.actor).await?.ok_or_else(Problem::not_found)?;
    Ok(asked.answer(&statement, None))
}

/// Publishes the next version; from now on every sign-in asks for consent to it.
#[utoipa::path(
    post,
    path = "/legal-statements",
    operation_id = "legalStatementPublish",
    tag = "登录与账号",
    request_body = PublishLegalStatement,
    responses((status = 201, body = ReceiptBody))
)]
async fn publish(
    State(state): State<AppState>,
    command: Command<PublishLegalStatement>,
) -> Result<Done, Problem> {
    let (PublishLegalStatement { version, title, body }, command) =
        command.permit(&state, Action::PublishLegalStatement)?;
    let intent = LegalStatementCommand::Publish { version, title, body };
    Ok(Done::created(command.execute::<LegalStatement>(&state, PLATFORM.0, intent).await?))
}
