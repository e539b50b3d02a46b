//! 考核填报模板: the workbook of a park's cycle, downloaded, filled in, and uploaded back: previewed, then saved as drafts.
//!
//! ```text
//! template.xlsx ─filled in→ import (file) ─→ preview with a token ─→ import (file, commit = token) ─→ drafts
//! ```
//! Always: a preview writes nothing; committing reads the same file again and saves what was previewed in one append, or
//! nothing: the token names the file's SHA-256 and the version that was compared, so another file or a version that has
//! moved on is refused. Committing twice saves once. Files that stand with a value stay with it.

use application::access::Action;
use application::assessment::filing::{self, Whose, Wish};
use application::assessment::filing_template::FilingForm;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::assessment_submission::{AssessmentSubmission, DraftInput, submission_of};
use domain::calendar::civil_date;
use domain::filing_template::import::{ImportedItem, kept_files};
use domain::id::AssessmentCycleId;
use domain::refusal::FieldError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::assessment_submissions::{WhichPark, which_park};
use crate::command::{Permitted, stamp};
use crate::download::{self, WorkbookContent, XLSX};
use crate::files::busy;
use crate::limits::{limit_headers, refuse_if_spent, with_limits};
use crate::problem::Problem;
use crate::query::{Asked, Id, Params};
use crate::state::AppState;
use crate::upload::{ReceivedWorkbook, WorkbookUpload, workbook_body_bytes_max};

mod cells;
mod preview;
mod workbook;

use preview::FilingImport;

const TAG: &str = "考核";
/// The texts of the form.
const TEXTS: [&str; 2] = ["commit", "skipInvalid"];

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(import))
        .layer(DefaultBodyLimit::max(workbook_body_bytes_max()))
        .routes(routes!(template))
}

/// A form with a filled template.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used; the form itself is read as a stream")]
pub struct FilingImportUpload {
    /// The workbook, up to 10 MB.
    #[schema(format = Binary, content_media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")]
    file: String,
    /// The token of the preview, to save what it showed; without it nothing is written.
    commit: Option<String>,
    /// Saves the items without errors although others have some.
    skip_invalid: Option<bool>,
}

/// The workbook to fill in: one sheet per dimension, with what is drafted or filed so far.
#[utoipa::path(get, path = "/assessment-cycles/{id}/filing/template.xlsx", operation_id = "filingTemplateRead", tag = TAG,
    params(("id" = Uuid, Path), WhichPark),
    responses((status = 200, body = WorkbookContent, content_type = XLSX)))]
async fn template(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichPark>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::FileAssessment)?;
    asked.see(&state, &projections::assessment_cycles::AssessmentCycles).await?;
    let cycle = AssessmentCycleId(id);
    let park = which_park(&state, &asked.caller.actor, cycle, which.park).await?;
    let form = FilingForm::load(&state.app, &asked.caller.actor, Whose { cycle, park }).await?;
    let now = state.app.clock.now();
    let name = format!("{}填报模板 {} {}", form.title, form.park_name, civil_date(now));
    let written = download::written(move || workbook::write(&form, now)).await?;
    Ok(download::attachment(written, &name))
}

/// Reads a filled template: without `commit` a preview, cell by cell, that writes nothing; with it, saves the drafts.
#[utoipa::path(post, path = "/assessment-cycles/{id}/filing/import", operation_id = "filingImport", tag = TAG,
    params(("id" = Uuid, Path), WhichPark),
    request_body(content = FilingImportUpload, content_type = "multipart/form-data"),
    responses((status = 200, body = FilingImport)))]
async fn import(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichPark>,
    upload: WorkbookUpload,
) -> Result<Response, Problem> {
    upload.caller.may(Action::FileAssessment)?;
    let cycle = AssessmentCycleId(id);
    let park = which_park(&state, &upload.caller.actor, cycle, which.park).await?;
    let owner = upload.caller.actor.to_string();
    let verdict = state.limits.file_upload(&owner).await?;
    refuse_if_spent(&verdict, "file.too_frequent")?;
    let _slot = state.files.slot(&owner).map_err(busy)?;
    with_limits(read(&state, upload, Whose { cycle, park }).await, limit_headers(&verdict))
}

async fn read(state: &AppState, upload: WorkbookUpload, whose: Whose) -> Result<Response, Problem> {
    let ReceivedWorkbook { caller, named, file, sha256, texts } = upload.receive(state, &TEXTS).await?;
    let text = |name: &str| texts.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let token = text("commit").map(|token| Token::read(token, &sha256)).transpose()?;
    let skip_invalid = match text("skipInvalid") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(wrong("/skipInvalid", "field.invalid", "应为 true 或 false")),
    };
    let form = FilingForm::load(&state.app, &caller.actor, whose).await?;
    let filled = cells::read(&state.sheets, file, &form).await?;
    form.identity.check(&filled.said).map_err(Problem::refused)?;
    let items = form.compare(&caller.actor, state.app.clock.now(), &filled.typed, &filled.unreadable)?;
    let mut shown = FilingImport::new(&form, sha256.clone(), &items, &filled);
    let Some(token) = token else {
        shown.token = Some(Token { version: form.version, sha256 }.to_string());
        return Ok(axum::Json(shown).into_response());
    };
    if shown.has_errors() && !skip_invalid {
        return Err(shown.refusal());
    }
    let said = format!("{token}\n{skip_invalid}");
    let command = named.command(caller, said.as_bytes());
    commit(state, command, whose, token.version, items, shown).await
}

/// Saves what would change, in one append. What is saved already is not saved again.
async fn commit(
    state: &AppState,
    command: Permitted,
    whose: Whose,
    version: i64,
    items: Vec<ImportedItem>,
    mut shown: FilingImport,
) -> Result<Response, Problem> {
    shown.committed = true;
    let drafts: Vec<DraftInput> = items.into_iter().filter_map(|item| item.draft).collect();
    let receipt = match command.answered(state).await? {
        Some(receipt) => Some(receipt),
        None if drafts.is_empty() => None,
        None => {
            let files = kept_files(&drafts);
            let by = command.caller.actor.clone();
            let intent = filing::by_member(&state.app, &by, whose, Wish::SaveDrafts(drafts), files).await?;
            let id = submission_of(whose.cycle, whose.park).0;
            Some(command.expecting(version).execute::<AssessmentSubmission>(state, id, intent).await?)
        }
    };
    if let Some(receipt) = &receipt {
        shown.version = receipt.version;
    }
    let mut response = (StatusCode::OK, axum::Json(shown)).into_response();
    if let Some(receipt) = &receipt {
        stamp(response.headers_mut(), receipt);
    }
    Ok(response)
}

/// What a preview stands for: the file and the version it was compared with.
struct Token {
    version: i64,
    sha256: String,
}

impl Token {
    /// The token of a preview, which must be of the file with this SHA-256.
    fn read(text: &str, sha256: &str) -> Result<Self, Problem> {
        let parts = text.split_once('-').and_then(|(version, of)| Some((version.parse().ok()?, of)));
        match parts {
            Some((version, of)) if of == sha256 => Ok(Self { version, sha256: of.to_owned() }),
            Some(_) => {
                let detail = "上传的文件与预览时的不是同一个，请重新预览后再提交";
                Err(wrong("/commit", "filing_import.other_file", detail))
            }
            None => Err(wrong("/commit", "filing_import.no_preview", "请先预览，再以预览给出的 token 提交")),
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.version, self.sha256)
    }
}

fn wrong(pointer: &str, code: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(pointer, code, detail)])
}
