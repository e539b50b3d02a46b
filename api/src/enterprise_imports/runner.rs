//! Carries committed imports out: a hundred rows at a time, each an order of its own, and says how far it is.
//!
//! Always: it goes on where it stopped, in whatever process; a row that was carried out already changes nothing the second
//! time (an added enterprise has the id of its row, an unchanged one has no event), so two runners at once double nothing;
//! a row that is refused is kept with its reason and the others go on.

use std::collections::BTreeMap;
use std::time::Duration;

use application::back_office::standing_in;
use application::execute::{Context, ExecuteError, Order};
use domain::actor::Actor;
use domain::calendar::civil_date;
use domain::enterprise_import::{
    EnterpriseImport, EnterpriseImportCommand, FailedRow, Outcome, Previewed, enterprise_of,
};
use domain::id::EnterpriseImportId;
use domain::managed_enterprise::{ManagedEnterprise, ManagedEnterpriseCommand};
use domain::park::Standing;
use futures::future::try_join_all;
use projections::enterprise_imports::running;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::plan::{self, FileRow, Source};
use super::stored;
use crate::problem::Problem;
use crate::state::AppState;

/// How often it looks for imports.
const INTERVAL: Duration = Duration::from_secs(1);
/// Rows between two notes of how far it is.
const STEP_ROWS: usize = 100;
/// Rows at once: commands wait for the database most of the time.
const AT_ONCE: usize = 8;
/// Who says how far it is.
const RUNNER: Actor = Actor::Process("enterprise_import");

/// Looks now and then until cancelled.
pub async fn run(state: AppState, cancel: CancellationToken) {
    loop {
        if cancel.run_until_cancelled(look(&state)).await.is_none() {
            return;
        }
        if cancel.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Carries out every import that waits for it; tells how many had something to do. What fails is tried at the next look.
pub async fn look(state: &AppState) -> usize {
    let waiting = match running(&state.db).await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::warn!(%error, "imports have to wait");
            return 0;
        }
    };
    let mut carried = 0;
    for import in waiting {
        match carry_out(state, import).await {
            Ok(had_rows) => carried += usize::from(had_rows),
            Err(problem) => tracing::warn!(%import, code = problem.code, "an import has to wait"),
        }
    }
    carried
}

/// Carries an import out from where it stopped; whether anything was left of it.
async fn carry_out(state: &AppState, import: EnterpriseImportId) -> Result<bool, Problem> {
    let loaded = state.app.load::<EnterpriseImport>(import.0).await?.state;
    let (Some(previewed), Some(committed)) = (&loaded.previewed, &loaded.committed) else { return Ok(false) };
    if !loaded.is_running() {
        return Ok(false);
    }
    let by = Actor::Person { account: committed.by, parks: vec![previewed.park] };
    let source = source(previewed, import, &by);
    let rows = plan::read(state, stored::open(state, &previewed.file.sha256).await?).await?.rows;
    let outcomes: Vec<Outcome> = previewed.plan.outcomes.chars().map(Outcome::of_letter).collect();
    let all: Vec<(FileRow, Outcome)> = rows.into_iter().zip(outcomes).collect();
    let mut done = usize::try_from(loaded.done).unwrap_or(usize::MAX);
    while let Some(step) = all.get(done..).filter(|rest| !rest.is_empty()) {
        let step = &step[..step.len().min(STEP_ROWS)];
        let failed = carry_out_step(state, &source, step).await?;
        done += step.len();
        let advance =
            EnterpriseImportCommand::Advance { done: u32::try_from(done).unwrap_or(u32::MAX), failed };
        let order = Order::new(import.0, RUNNER, advance, context(state, import));
        state.app.execute::<EnterpriseImport>(order).await?;
    }
    Ok(true)
}

/// What the file is read for.
pub(super) fn source<'a>(previewed: &Previewed, import: EnterpriseImportId, viewer: &'a Actor) -> Source<'a> {
    // A day that was not in the future at the preview is not in the future now.
    let today = civil_date(previewed.at);
    Source { viewer, park: previewed.park, import, mode: previewed.mode, today }
}

async fn carry_out_step(
    state: &AppState,
    source: &Source<'_>,
    step: &[(FileRow, Outcome)],
) -> Result<Vec<FailedRow>, Problem> {
    let standing = standing_in(&state.app, source.park, source.viewer).await?;
    let updates = step.iter().filter(|(_, outcome)| *outcome == Outcome::Update);
    let codes = updates.filter_map(|(row, _)| {
        let profile = plan::profile(source, row, enterprise_of(source.import, row.number).0).ok()?;
        Some(profile.credit_code.to_string())
    });
    let known = plan::roster(state, source, codes.collect()).await?;
    let ids: BTreeMap<String, Uuid> =
        known.into_values().map(|known| (known.credit_code, known.id)).collect();
    let mut failed = Vec::new();
    for rows in step.chunks(AT_ONCE) {
        let orders = rows.iter().map(|(row, outcome)| one(state, source, (row, *outcome), standing, &ids));
        failed.extend(try_join_all(orders).await?.into_iter().flatten());
    }
    Ok(failed)
}

async fn one(
    state: &AppState,
    source: &Source<'_>,
    (row, outcome): (&FileRow, Outcome),
    standing: Standing,
    ids: &BTreeMap<String, Uuid>,
) -> Result<Option<FailedRow>, Problem> {
    match outcome {
        Outcome::Add => add(state, source, row, standing).await,
        Outcome::Update => update(state, source, row, standing, ids).await,
        Outcome::Unchanged | Outcome::Error => Ok(None),
    }
}

async fn add(
    state: &AppState,
    source: &Source<'_>,
    row: &FileRow,
    standing: Standing,
) -> Result<Option<FailedRow>, Problem> {
    let id = enterprise_of(source.import, row.number).0;
    let Ok(enterprise) = plan::profile(source, row, id) else { return Ok(Some(unlike(row))) };
    let (park, import) = (source.park, Some(source.import));
    let command =
        ManagedEnterpriseCommand::Add { park, standing, enterprise, settlement_application: None, import };
    order(state, source, row, id, command).await
}

async fn update(
    state: &AppState,
    source: &Source<'_>,
    row: &FileRow,
    standing: Standing,
    ids: &BTreeMap<String, Uuid>,
) -> Result<Option<FailedRow>, Problem> {
    let placeholder = enterprise_of(source.import, row.number).0;
    let Ok(code) = plan::profile(source, row, placeholder).map(|profile| profile.credit_code.to_string())
    else {
        return Ok(Some(unlike(row)));
    };
    let Some(id) = ids.get(&code) else {
        let detail = "该企业在导入期间已从名录中删除";
        return Ok(Some(failed(row, "managed_enterprise.not_found", detail)));
    };
    let Ok(enterprise) = plan::profile(source, row, *id) else { return Ok(Some(unlike(row))) };
    let command =
        ManagedEnterpriseCommand::Edit { standing, enterprise, reason: None, import: Some(source.import) };
    order(state, source, row, *id, command).await
}

async fn order(
    state: &AppState,
    source: &Source<'_>,
    row: &FileRow,
    id: Uuid,
    command: ManagedEnterpriseCommand,
) -> Result<Option<FailedRow>, Problem> {
    let is_add = matches!(command, ManagedEnterpriseCommand::Add { .. });
    let order = Order::new(id, source.viewer.clone(), command, context(state, source.import));
    match state.app.execute::<ManagedEnterprise>(order).await {
        Ok(_) => Ok(None),
        // The id is this row's own: it was added before, and edited since.
        Err(ExecuteError::Refused(refused))
            if is_add && refused.code == "managed_enterprise.already_added" =>
        {
            Ok(None)
        }
        Err(ExecuteError::Refused(refused)) => Ok(Some(failed(row, refused.code, &refused.detail))),
        Err(error) => Err(error.into()),
    }
}

/// The file does not say what it said at the preview: its rules have become stricter since.
fn unlike(row: &FileRow) -> FailedRow {
    failed(row, "enterprise_import.row_invalid", "该行不再符合填写要求，请重新上传文件")
}

fn failed(row: &FileRow, code: &str, detail: &str) -> FailedRow {
    FailedRow { row: row.number, code: code.to_owned(), detail: detail.to_owned() }
}

fn context(state: &AppState, import: EnterpriseImportId) -> Context {
    Context {
        trace_id: state.app.clock.new_id().simple().to_string(),
        correlation_id: Some(format!("EnterpriseImport/{import}")),
        ..Context::default()
    }
}
