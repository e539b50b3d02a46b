//! 上传导入 (manual 1.3.6): a workbook or CSV of enterprises, previewed against the roster, then carried out.
//!
//! ```text
//! upload ─→ rows ─→ preview (kept: file, outcome of each row) ─commit→ runner, a hundred rows at a time ─→ report
//! ```
//! Always: a preview writes nothing to the roster; committing works the plan out anew from the same file and refuses when
//! the roster has moved on; progress is events, so any process tells it and goes on with it.

use std::convert::Infallible;
use std::time::Duration;

use application::access::Action;
use application::back_office::standing_in;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::calendar::civil_date;
use domain::enterprise_import::{
    EnterpriseImport, EnterpriseImportCommand, EnterpriseImportError, ImportMode, Outcome, Plan, Previewed,
};
use domain::id::{EnterpriseImportId, ParkId};
use domain::park::Standing;
use domain::refusal::FieldError;
use futures::Stream;
use projections::enterprise_imports::{self as read_model, EnterpriseImportRow, EnterpriseImports};
use projections::managed_enterprises::ManagedEnterprises;
use projections::parks::Parks;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, ReceiptBody, stamp};
use crate::download::{self, WorkbookContent, XLSX};
use crate::files::busy;
use crate::limits::{limit_headers, refuse_if_spent, with_limits};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;
use crate::upload::{ReceivedWorkbook, WorkbookUpload, workbook_body_bytes_max};

mod bodies;
pub(crate) mod columns;
mod plan;
mod runner;
mod stored;
mod workbooks;
use bodies::{CommitImport, EnterpriseImportUpload, ImportPreview, ImportProgress};
use plan::{Planned, Source};
pub use runner::{look, run};

const TAG: &str = "企业管理";
/// How often a listener is told how far an import is.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(preview))
        .layer(DefaultBodyLimit::max(workbook_body_bytes_max()))
        .routes(routes!(template))
        .routes(routes!(read))
        .routes(routes!(commit))
        .routes(routes!(progress))
        .routes(routes!(report))
}

/// The workbook to fill in: text columns, drop-downs, notes, two sample rows that are refused when they are left in.
#[utoipa::path(get, path = "/parks/{id}/enterprises/template.xlsx", operation_id = "enterpriseTemplateRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = WorkbookContent, content_type = XLSX)))]
async fn template(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkEnterprises)?;
    asked.see(&state, &Parks).await?;
    member(&asked, id)?;
    let now = state.app.clock.now();
    let written = download::written(move || workbooks::template(now)).await?;
    Ok(download::attachment(written, "企业名录导入模板"))
}

/// To others than its members a park's back office is not there.
fn member(asked: &Asked, park: Uuid) -> Result<(), Problem> {
    if asked.caller.actor.parks().contains(&ParkId(park)) { Ok(()) } else { Err(Problem::not_found()) }
}

/// Compares a workbook (.xlsx) or CSV (UTF-8, GB18030) with the roster. Nothing is written to it; all errors at once.
#[utoipa::path(post, path = "/parks/{id}/enterprise-imports", operation_id = "enterpriseImportPreview", tag = TAG,
    params(("id" = Uuid, Path)),
    request_body(content = EnterpriseImportUpload, content_type = "multipart/form-data"),
    responses((status = 201, body = ImportPreview)))]
async fn preview(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    upload: WorkbookUpload,
) -> Result<Response, Problem> {
    upload.caller.may(Action::WriteEnterprises)?;
    let owner = upload.caller.actor.to_string();
    let verdict = state.limits.file_upload(&owner).await?;
    refuse_if_spent(&verdict, "file.too_frequent")?;
    let _slot = state.files.slot(&owner).map_err(busy)?;
    with_limits(compared(&state, ParkId(id), upload).await, limit_headers(&verdict))
}

async fn compared(state: &AppState, park: ParkId, upload: WorkbookUpload) -> Result<Response, Problem> {
    // Whoever may not import is told so before their file is read.
    let standing = standing_in(&state.app, park, &upload.caller.actor).await?;
    match standing {
        Standing::Member => {}
        Standing::Suspended => return Err(Problem::refused(EnterpriseImportError::ParkSuspended)),
        Standing::Outsider => return Err(Problem::refused(EnterpriseImportError::ParkNotFound)),
    }
    let ReceivedWorkbook { caller, named, file, sha256, texts } = upload.receive(state, &["mode"]).await?;
    let mode: ImportMode = match texts.get("mode").map(|mode| mode.trim()) {
        None | Some("") => return Err(wrong("/mode", "field.required", "请选择仅新增或新增并更新")),
        Some(mode) => mode.parse().map_err(|_| wrong("/mode", "field.invalid", "应为 add 或 upsert"))?,
    };
    let import = EnterpriseImportId(state.app.clock.new_id());
    let viewer = caller.actor.clone();
    let today = civil_date(state.app.clock.now());
    let source = Source { viewer: &viewer, park, import, mode, today };
    let again = file.try_clone().map_err(|error| Problem::internal(&error))?;
    let rows = plan::read(state, file).await?;
    let (unknown_columns, other_sheets) = (rows.unknown_columns, rows.other_sheets);
    let planned = plan::compare(state, &source, rows.rows).await?;
    // Only what can be read is kept.
    let kept = stored::keep(state, import.0, again).await?;
    let command = named.command(caller, format!("{sha256}\n{}", <&str>::from(mode)).as_bytes());
    let earlier = read_model::same_file(&state.db, &viewer, park, &sha256).await?;
    let intent =
        EnterpriseImportCommand::Preview { park, standing, file: kept, mode, plan: planned.plan.clone() };
    let receipt = command.execute::<EnterpriseImport>(state, import.0, intent).await?;
    let previewed = state.app.load::<EnterpriseImport>(receipt.id).await?.state.previewed;
    let previewed = previewed.ok_or_else(Problem::not_found)?;
    let mut body = ImportPreview::of(&receipt, &previewed, &planned);
    body.unknown_columns = unknown_columns;
    body.ignored_sheets = other_sheets;
    body.imported_at = earlier.and_then(|earlier| earlier.committed_at);
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}

fn wrong(pointer: &str, code: &'static str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(pointer, code, detail)])
}

/// An import and how far it is, for members of its park.
#[utoipa::path(get, path = "/enterprise-imports/{id}", operation_id = "enterpriseImportRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = EnterpriseImportRow)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let row = found(&state, &mut asked, id).await?;
    let version = row.version;
    Ok(asked.answer(&row, Some(version)))
}

async fn found(state: &AppState, asked: &mut Asked, id: Uuid) -> Result<EnterpriseImportRow, Problem> {
    asked.may(Action::ReadParkEnterprises)?;
    asked.see(state, &EnterpriseImports).await?;
    asked.see(state, &Parks).await?;
    let row = read_model::get(&state.db, &asked.caller.actor, EnterpriseImportId(id)).await?;
    row.ok_or_else(Problem::not_found)
}

/// The rows of a kept file, compared with the roster as it is now.
async fn compared_again(
    state: &AppState,
    source: &Source<'_>,
    previewed: &Previewed,
) -> Result<Planned, Problem> {
    let rows = plan::read(state, stored::open(state, &previewed.file.sha256).await?).await?;
    plan::compare(state, source, rows.rows).await
}

/// Has a previewed import carried out. Refused when the roster has changed since, or half an hour is over; rows with errors
/// are left out only with `skipInvalid`. The answer comes before the rows are carried out: `progress` tells how far it is.
#[utoipa::path(post, path = "/enterprise-imports/{id}/commit", operation_id = "enterpriseImportCommit", tag = TAG,
    params(("id" = Uuid, Path)), request_body = CommitImport, responses((status = 200, body = ReceiptBody)))]
async fn commit(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<CommitImport>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::WriteEnterprises)?;
    let loaded = state.app.load::<EnterpriseImport>(id).await?.state;
    let by = command.caller.actor.clone();
    let (standing, plan) = match &loaded.previewed {
        Some(previewed) => {
            let standing = standing_in(&state.app, previewed.park, &by).await?;
            let is_writer = standing == Standing::Member;
            // Whoever may not, and what is committed already, needs no comparison.
            if is_writer && loaded.committed.is_none() {
                let source = runner::source(previewed, EnterpriseImportId(id), &by);
                (standing, compared_again(&state, &source, previewed).await?.plan)
            } else {
                (standing, previewed.plan.clone())
            }
        }
        None => (Standing::Outsider, Plan::default()),
    };
    let intent = EnterpriseImportCommand::Commit { standing, plan, skip_invalid: body.skip_invalid };
    Ok(Done::changed(command.execute::<EnterpriseImport>(&state, id, intent).await?))
}

/// How far an import is, as server-sent events named `progress`, twice a second until nothing of it is running.
#[utoipa::path(get, path = "/enterprise-imports/{id}/progress", operation_id = "enterpriseImportProgress", tag = TAG,
    params(("id" = Uuid, Path)),
    responses((status = 200, body = ImportProgress, content_type = "text/event-stream")))]
async fn progress(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let row = found(&state, &mut asked, id).await?;
    let stream = told(state, asked, row);
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

/// Each time what the read model says. It ends with the import, with the caller's membership, and with the database.
fn told(
    state: AppState,
    asked: Asked,
    row: EnterpriseImportRow,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let id = EnterpriseImportId(row.id);
    futures::stream::unfold(Some((state, asked, Some(row))), move |told| async move {
        let (state, asked, first) = told?;
        let row = if let Some(row) = first {
            row
        } else {
            tokio::time::sleep(PROGRESS_EVERY).await;
            read_model::get(&state.db, &asked.caller.actor, id).await.ok().flatten()?
        };
        let progress = ImportProgress::of(&row);
        let event = Event::default().event("progress").json_data(&progress).ok()?;
        let next = (row.status == "running").then_some((state, asked, None));
        Some((Ok(event), next))
    })
}

/// The uploaded rows with what became of each and why, to put right and upload again.
#[utoipa::path(get, path = "/enterprise-imports/{id}/report.xlsx", operation_id = "enterpriseImportReportRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = WorkbookContent, content_type = XLSX)))]
async fn report(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    found(&state, &mut asked, id).await?;
    asked.see(&state, &ManagedEnterprises).await?;
    let loaded = state.app.load::<EnterpriseImport>(id).await?.state;
    let previewed = loaded.previewed.ok_or_else(Problem::not_found)?;
    let source = runner::source(&previewed, EnterpriseImportId(id), &asked.caller.actor);
    let planned = compared_again(&state, &source, &previewed).await?;
    let outcomes: Vec<Outcome> = previewed.plan.outcomes.chars().map(Outcome::of_letter).collect();
    let (failed, now) = (loaded.failed, state.app.clock.now());
    let written =
        download::written(move || workbooks::report(&planned.rows, &outcomes, &failed, now)).await?;
    Ok(download::attachment(written, "企业名录导入结果"))
}
