//! Workbooks on their way out, and who takes them: written on a thread that may block, sent from disk piece by piece.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::actor::Actor;
use domain::staff_account::StaffAccount;
use infrastructure::sheet::{WriteError, WrittenWorkbook};
use projections::account_directory;
use tokio_util::io::ReaderStream;

use crate::actor::Caller;
use crate::files::percent_encoded;
use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::state::AppState;

/// The media type of workbooks.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A workbook (.xlsx).
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only its schema is used; the bytes are sent as a stream")]
pub struct WorkbookContent(Vec<u8>);

/// Has a workbook written.
pub(crate) async fn written(
    write: impl FnOnce() -> Result<WrittenWorkbook, WriteError> + Send + 'static,
) -> Result<WrittenWorkbook, Problem> {
    let outcome = tokio::task::spawn_blocking(write).await.map_err(|error| Problem::internal(&error))?;
    outcome.map_err(|error| Problem::internal(&error))
}

/// The answer that a browser saves under `name`, without ending. It is made anew each time, so nothing may keep it.
pub(crate) fn attachment(workbook: WrittenWorkbook, name: &str) -> Response {
    let file = tokio::fs::File::from_std(workbook.file);
    let mut response = Body::from_stream(ReaderStream::new(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(XLSX));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(workbook.bytes));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let disposition = format!("attachment; filename*=UTF-8''{}.xlsx", percent_encoded(name));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Who takes something out, as people know the account: staff by username, persons by their masked number.
pub(crate) async fn taken_by(state: &AppState, caller: &Caller) -> Result<String, Problem> {
    match &caller.actor {
        Actor::Staff { staff, .. } => {
            let account = state.app.load::<StaffAccount>(staff.0).await?.state;
            Ok(format!("工作人员 {}", account.username))
        }
        Actor::Person { account, .. } => {
            let row = account_directory::get(&state.db, &caller.actor, *account).await?;
            let mut phone = row.and_then(|row| row.phone).unwrap_or_default();
            reveal(&state.vault, &mut [&mut phone], Show::Masked).await?;
            Ok(format!("用户 {}", phone.as_str().unwrap_or_default()))
        }
        Actor::Visitor | Actor::Process(_) => Ok(caller.actor.to_string()),
    }
}
