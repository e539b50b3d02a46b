//! 导出 (manual 1.3.6): the rows of the filtered list, in its order, as a workbook.
//!
//! Always: that it was taken out is recorded before it is; contacts are masked unless a reason says why not; memory does
//! not grow with the rows: they go from the list to the disk a thousand at a time.

use application::access::Action;
use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use domain::dictionary::EnterpriseCategory;
use domain::id::ParkId;
use domain::managed_enterprise::EnterpriseStatus;
use domain::operation::{Operation, OperationCommand, OperationEvent};
use domain::refusal::FieldError;
use domain::text;
use infrastructure::sheet::{Entry, Page, Provenance, WorkbookWriter, WriteError, WrittenWorkbook};
use projections::managed_enterprises::{EnterpriseFilter, EnterpriseRow, ManagedEnterprises, batch};
use projections::parks::Parks;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use uuid::Uuid;

use super::TAG;
use crate::download::{self, WorkbookContent, XLSX};
use crate::enterprise_imports::columns::{COLUMNS, Kind, workbook_columns};
use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::query::{Asked, Id, Params};
use crate::state::AppState;

/// Batches on their way to the disk.
const BATCHES_WAITING: usize = 2;
/// Reasons of people, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;

/// What to export.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ExportFilter {
    /// Part of the name or of the credit code.
    pub q: Option<String>,
    /// `resident` or `left`.
    pub status: Option<String>,
    /// Code of the dictionary `enterpriseCategories`.
    pub category: Option<String>,
    /// Code of the dictionary `customsRegimes`.
    pub regime: Option<String>,
    /// Settled on this day or later.
    pub settled_from: Option<NaiveDate>,
    /// Settled on this day or earlier.
    pub settled_to: Option<NaiveDate>,
    /// As in the list.
    pub sort: Option<String>,
    /// Why contacts are needed in full, 5 to 500 characters; masked without.
    pub reason: Option<String>,
}

impl ExportFilter {
    fn of_list(&self) -> EnterpriseFilter {
        EnterpriseFilter {
            q: self.q.clone(),
            status: self.status.clone(),
            category: self.category.clone(),
            regime: self.regime.clone(),
            settled_from: self.settled_from,
            settled_to: self.settled_to,
        }
    }

    /// The filter in words, `全部` without one.
    fn summary(&self) -> String {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        let status = self.status.as_deref().map(|code| label("status", code));
        let category = self.category.as_deref().map(|code| label("category", code));
        let parts = [
            ("关键词", self.q.clone()),
            ("入驻状态", status),
            ("企业类型", category),
            ("监管方式", self.regime.clone()),
            ("入驻日期不早于", day(self.settled_from)),
            ("入驻日期不晚于", day(self.settled_to)),
        ];
        let said = parts.into_iter().filter_map(|(name, value)| {
            let value = value.filter(|value| !value.trim().is_empty())?;
            Some(format!("{name}：{value}"))
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() { "全部".to_owned() } else { said.join("；") }
    }
}

/// The filtered roster as a workbook, in the list's order (`sort`). With a `reason`, which is kept, contacts are in full.
#[utoipa::path(get, path = "/parks/{id}/enterprises/export.xlsx", operation_id = "enterpriseExport", tag = TAG,
    params(("id" = Uuid, Path), ExportFilter),
    responses((status = 200, body = WorkbookContent, content_type = XLSX)))]
pub(super) async fn export(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(filter): Params<ExportFilter>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkEnterprises)?;
    asked.see(&state, &ManagedEnterprises).await?;
    asked.see(&state, &Parks).await?;
    let reason = filter.reason.as_deref().filter(|reason| !text::is_blank(reason));
    let reason = reason.map(|reason| text::check("/reason", reason, REASON_CHARS)).transpose();
    let reason = reason.map_err(|error: FieldError| Problem::invalid(vec![error]))?;
    let (park, list) = (ParkId(id), filter.of_list());
    let viewer = asked.caller.actor.clone();
    // Also tells a wrong filter, and whoever is no member, before anything is recorded.
    let first = batch(&state.db, &viewer, park, &list, filter.sort.as_deref(), None).await?;
    let first = first.ok_or_else(Problem::not_found)?;
    let summary = filter.summary();
    let event = OperationEvent::EnterprisesExported { park, filter: summary.clone(), reason: reason.clone() };
    let order = application::Order::new(
        state.app.clock.new_id(),
        viewer.clone(),
        OperationCommand::Record(event),
        asked.caller.context.clone(),
    );
    state.app.execute::<Operation>(order).await?;
    let provenance = Provenance {
        exported_by: download::taken_by(&state, &asked.caller).await?,
        exported_at: state.app.clock.now(),
        lines: vec![
            ("筛选条件".to_owned(), summary),
            ("个人信息".to_owned(), if reason.is_some() { "完整".to_owned() } else { "已脱敏".to_owned() }),
        ],
    };
    let show = if reason.is_some() { Show::Full } else { Show::Masked };
    let (rows, received) = mpsc::channel(BATCHES_WAITING);
    let writing = download::written(move || write(received, &provenance));
    let reading = async {
        let mut page = first;
        loop {
            let next = page.next_cursor.take();
            let mut values: Vec<&mut Value> = page.items.iter_mut().map(|row| &mut row.enterprise).collect();
            reveal(&state.vault, &mut values, show).await?;
            // The writer has failed, and says so itself.
            let Ok(()) = rows.send(page.items).await else { return Ok(()) };
            let Some(cursor) = next else { break };
            let more = batch(&state.db, &viewer, park, &list, filter.sort.as_deref(), Some(&cursor)).await?;
            page = more.ok_or_else(Problem::not_found)?;
        }
        drop(rows);
        Ok::<(), Problem>(())
    };
    let (written, ()) = tokio::try_join!(writing, reading)?;
    Ok(download::attachment(written, "企业名录"))
}

fn write(
    mut rows: mpsc::Receiver<Vec<EnterpriseRow>>,
    provenance: &Provenance,
) -> Result<WrittenWorkbook, WriteError> {
    let mut book = WorkbookWriter::new("企业名录", provenance.exported_at);
    let mut table =
        book.table("企业名录", &Page { is_landscape: true, ..Page::default() }, &workbook_columns())?;
    while let Some(batch) = rows.blocking_recv() {
        for row in &batch {
            let texts: Vec<String> =
                COLUMNS.iter().map(|column| shown(column.field, &row.enterprise[column.field])).collect();
            let entries: Vec<Entry<'_>> =
                texts.iter().zip(&COLUMNS).map(|(text, column)| entry(column.kind, text)).collect();
            table.row(&entries)?;
        }
    }
    book.provenance(provenance)?;
    book.finish()
}

fn entry(kind: Kind, text: &str) -> Entry<'_> {
    match kind {
        _ if text.is_empty() => Entry::Blank,
        Kind::Number(_) => text.parse().map_or(Entry::Text(text), Entry::Number),
        Kind::Text | Kind::Code | Kind::Choice | Kind::Date => Entry::Text(text),
    }
}

/// A field as people read it.
fn shown(field: &str, value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::Bool(true) => "是".to_owned(),
        Value::Bool(false) => "否".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => label(field, text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("、"),
    }
}

/// The label of a code of a choice.
fn label(field: &str, code: &str) -> String {
    let label = match field {
        "status" => code.parse().ok().map(EnterpriseStatus::label),
        "category" => code.parse().ok().map(EnterpriseCategory::label),
        _ => None,
    };
    label.unwrap_or(code).to_owned()
}
