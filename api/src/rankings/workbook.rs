//! 下载排名: the ranking as a workbook, with the caller's own details (all parks' for staff) and the rules. Every download
//! is an event that names the file's SHA-256; the number of the event stands in the file.
//!
//! Other parks' filed values are in no park's workbook. What was filed and adopted is shown only while it still is what
//! the version was scored by; the points always are the version's.

use std::collections::BTreeMap;

use application::access::{AccessError, Action, require};
use application::assessment::ranking::Cohort;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::assessment_scheme::Scheme;
use domain::assessment_submission::{AssessmentSubmission, submission_of};
use domain::calendar::civil_date;
use domain::id::{AssessmentCycleId, ParkId};
use domain::scoring::Leaf;
use infrastructure::sheet::{Provenance, WorkbookWriter, WriteError, WrittenWorkbook};
use projections::account_directory::AccountDirectory;
use projections::assessment_cycles::AssessmentCycles;
use projections::ranking::{self as read_model, RankingView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::print::{about, exported, record, standing, unpublished};
use super::{TAG, WhichVersion, seen};
use crate::download::{self, WorkbookContent, XLSX};
use crate::problem::Problem;
use crate::query::{Asked, Id, Params};
use crate::state::AppState;

mod sheets;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(export))
}

/// The ranking as a workbook: sheets 排名, 指标得分明细 and 计分规则 as far as the caller may see them, and who exported it.
#[utoipa::path(get, path = "/assessment-cycles/{id}/ranking.xlsx", operation_id = "rankingExport", tag = TAG,
    params(("id" = Uuid, Path), WhichVersion),
    responses((status = 200, body = WorkbookContent, content_type = XLSX)))]
async fn export(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichVersion>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    if asked.caller.actor == Actor::Visitor {
        return Err(Problem::refused(AccessError::NotSignedIn));
    }
    asked.see(&state, &AssessmentCycles).await?;
    asked.see(&state, &AccountDirectory).await?;
    let view = seen(&state, &mut asked, id, which.version).await?;
    let version = view.version.ok_or_else(unpublished)?;
    let (title, scheme) = about(&state, &asked, id).await?;
    let number = state.app.clock.new_id();
    let details = match &scheme {
        Some(scheme) => details(&state, &asked, AssessmentCycleId(id), &view, scheme).await?,
        None => Vec::new(),
    };
    let export = Export {
        zone: state.config.zone.name.clone(),
        organizer: state.config.zone.organizer.clone(),
        address: address(&state, id, version),
        number,
        exported_by: download::taken_by(&state, &asked.caller).await?,
        at: state.app.clock.now(),
        is_staff: require(&asked.caller.actor, Action::ReadAllAssessments).is_ok(),
        title,
        scheme,
        view,
        version,
        details,
    };
    let name = format!("{}排名 第{version}版 {}", export.title, civil_date(export.at));
    let written = download::written(move || export.write()).await?;
    record(&state, &asked, number, exported(id, version, "xlsx", Some(written.sha256.clone()))).await?;
    Ok(download::attachment(written, &name))
}

/// Where the ranking can be looked up to compare it with.
fn address(state: &AppState, cycle: Uuid, version: i32) -> String {
    let host = state.config.http.public_url.trim_end_matches('/');
    format!("{host}/api/v1/assessment-cycles/{cycle}/ranking?version={version}")
}

/// What stands behind a park's points.
pub(super) struct Details {
    park: Uuid,
    /// Points in the version, by code.
    points: BTreeMap<String, String>,
    /// What it was scored by; nothing once something changed since.
    behind: Option<(AssessmentSubmission, Vec<Leaf>)>,
}

/// The details of all parks that the caller may see, by rank.
async fn details(
    state: &AppState,
    asked: &Asked,
    cycle: AssessmentCycleId,
    view: &RankingView,
    scheme: &Scheme,
) -> Result<Vec<Details>, Problem> {
    let Some(version) = view.version else { return Ok(Vec::new()) };
    let points = read_model::all_item_points(&state.db, &asked.caller.actor, cycle, version).await?;
    let inputs_hash =
        view.versions.iter().find(|known| known.number == version).map(|known| &known.inputs_hash);
    let cohort = Cohort::load(&state.app, cycle).await?;
    let is_current = inputs_hash == Some(&cohort.inputs_hash()) && cohort.scheme() == scheme;
    let mut behind = BTreeMap::new();
    if is_current {
        let ids: Vec<Uuid> = points.iter().map(|(park, _)| submission_of(cycle, *park).0).collect();
        let mut submissions = state.app.load_many::<AssessmentSubmission>(&ids).await?;
        let mut leaves: BTreeMap<ParkId, Vec<Leaf>> =
            cohort.outcome().rows.into_iter().map(|row| (row.park, row.leaves)).collect();
        for (park, id) in points.iter().map(|(park, _)| *park).zip(ids) {
            let submission = submissions.remove(&id).map(|folded| folded.state).unwrap_or_default();
            if let Some(leaves) = leaves.remove(&park) {
                behind.insert(park, (submission, leaves));
            }
        }
    }
    let of = |(park, points): (ParkId, _)| Details { park: park.0, points, behind: behind.remove(&park) };
    Ok(points.into_iter().map(of).collect())
}

/// Everything that is written.
pub(super) struct Export {
    zone: String,
    organizer: Option<String>,
    address: String,
    number: Uuid,
    exported_by: String,
    at: DateTime<Utc>,
    is_staff: bool,
    title: String,
    scheme: Option<Scheme>,
    view: RankingView,
    version: i32,
    details: Vec<Details>,
}

impl Export {
    fn write(&self) -> Result<WrittenWorkbook, WriteError> {
        let mut writer = WorkbookWriter::new(&format!("{}排名", self.title), self.at);
        self.ranking(&mut writer)?;
        if let Some(scheme) = &self.scheme {
            self.details(&mut writer, scheme)?;
            self.rules(&mut writer, scheme)?;
        }
        writer.provenance(&self.provenance())?;
        writer.finish()
    }

    fn standing(&self) -> String {
        standing(&self.view, self.version)
    }

    fn inputs_hash(&self) -> &str {
        let shown = self.view.versions.iter().find(|known| known.number == self.version);
        shown.map(|known| known.inputs_hash.as_str()).unwrap_or_default()
    }

    fn provenance(&self) -> Provenance {
        let line = |title: &str, text: &str| (title.to_owned(), text.to_owned());
        Provenance {
            exported_by: self.exported_by.clone(),
            exported_at: self.at,
            lines: vec![
                line("内容", &format!("{}排名", self.title)),
                line("版本", &self.standing()),
                line("计分数据校验值（SHA-256）", self.inputs_hash()),
                line("导出编号", &self.number.to_string()),
                line("核对地址", &self.address),
            ],
        }
    }
}
