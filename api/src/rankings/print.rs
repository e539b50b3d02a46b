//! The ranking on paper (打印): one page document, A4 landscape, for a browser to print. Every print is an event.
//!
//! No scripts, no foreign hosts, no menus; the table's head is repeated on every sheet and the sheets are numbered.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::assessment_scheme::Scheme;
use domain::calendar::wall_clock;
use domain::id::AssessmentCycleId;
use domain::operation::{Operation, OperationCommand, OperationEvent};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use projections::assessment_cycles::{self, AssessmentCycles};
use projections::ranking::{RankingRow, RankingView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{TAG, WhichVersion, seen};
use crate::download;
use crate::problem::Problem;
use crate::query::{Asked, Id, Params};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(print))
}

const STYLE: &str = "
@page { size: A4 landscape; margin: 14mm 12mm 16mm; @bottom-right { content: counter(page) ' / ' counter(pages); } }
body { font: 11pt/1.5 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif; margin: 0; }
h1 { font-size: 18pt; text-align: center; margin: 0 0 2mm; }
.about { text-align: center; margin: 0 0 4mm; }
table { border-collapse: collapse; width: 100%; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { border: 0.3mm solid #444; padding: 1.2mm 2mm; }
th { background: #eee; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.own { font-weight: bold; }
tr.vetoed { color: #666; }
.note { font-size: 9pt; margin: 3mm 0 0; }
.mark { position: fixed; inset: 0; z-index: -1; display: grid; place-items: center; font-size: 30pt; color: #0001;
        transform: rotate(-24deg); white-space: nowrap; }
";

/// The ranking as a page to be printed, with who printed it and when as a watermark.
#[utoipa::path(get, path = "/assessment-cycles/{id}/ranking.html", operation_id = "rankingPrint", tag = TAG,
    params(("id" = Uuid, Path), WhichVersion), responses((status = 200, content_type = "text/html", body = String)))]
async fn print(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichVersion>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    if asked.caller.actor == domain::actor::Actor::Visitor {
        return Err(Problem::refused(application::access::AccessError::NotSignedIn));
    }
    asked.see(&state, &AssessmentCycles).await?;
    let view = seen(&state, &mut asked, id, which.version).await?;
    let version = view.version.ok_or_else(unpublished)?;
    let (title, scheme) = about(&state, &asked, id).await?;
    let printed_by = download::taken_by(&state, &asked.caller).await?;
    let number = state.app.clock.new_id();
    record(&state, &asked, number, exported(id, version, "html", None)).await?;
    let page = Page {
        zone: &state.config.zone.name,
        title: &title,
        scheme: scheme.as_ref(),
        view: &view,
        version,
        mark: format!("{printed_by} {}", wall_clock(state.app.clock.now())),
        number,
    };
    let mut response = page.render().into_string().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    Ok(response)
}

/// 409: there is nothing to print or to download yet.
pub(super) fn unpublished() -> Problem {
    Problem::new(axum::http::StatusCode::CONFLICT, "ranking.unpublished", "排名尚未公布")
}

/// The cycle's title, and its scheme for those who may see it.
pub(super) async fn about(
    state: &AppState,
    asked: &Asked,
    id: Uuid,
) -> Result<(String, Option<Scheme>), Problem> {
    let cycle = assessment_cycles::get(&state.db, &asked.caller.actor, AssessmentCycleId(id)).await?;
    match cycle {
        Some(detail) => {
            let scheme = serde_json::from_value(detail.scheme).map_err(|error| Problem::internal(&error))?;
            Ok((detail.cycle.title, Some(scheme)))
        }
        None => Ok((String::from("园区/基地考核排名"), None)),
    }
}

/// A ranking taken out.
pub(super) fn exported(cycle: Uuid, version: i32, format: &str, sha256: Option<String>) -> OperationEvent {
    OperationEvent::RankingExported {
        cycle: AssessmentCycleId(cycle),
        version,
        format: format.to_owned(),
        sha256,
    }
}

/// Records under this id that the ranking was taken out, before it is.
pub(super) async fn record(
    state: &AppState,
    asked: &Asked,
    id: Uuid,
    event: OperationEvent,
) -> Result<(), Problem> {
    let order = application::Order::new(
        id,
        asked.caller.actor.clone(),
        OperationCommand::Record(event),
        asked.caller.context.clone(),
    );
    state.app.execute::<Operation>(order).await?;
    Ok(())
}

/// Which version it is and how far it has come, for people.
pub(super) fn standing(view: &RankingView, version: i32) -> String {
    match (view.status.as_str(), &view.publicity) {
        ("final", _) => format!("第 {version} 版（终稿）"),
        (_, Some(publicity)) => format!("第 {version} 版（公示至 {}）", wall_clock(publicity.until)),
        (_, None) => "内部计算结果，未公示".to_owned(),
    }
}

struct Page<'a> {
    zone: &'a str,
    title: &'a str,
    scheme: Option<&'a Scheme>,
    view: &'a RankingView,
    version: i32,
    mark: String,
    /// Of the record that it was printed.
    number: Uuid,
}

impl Page<'_> {
    fn render(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="zh-CN" {
                head {
                    meta charset="utf-8";
                    title { (self.title) "排名" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    div.mark aria-hidden="true" { (self.mark) }
                    h1 { (self.title) "排名" }
                    p.about { (self.zone) "　" (standing(self.view, self.version)) }
                    table {
                        thead { (self.head()) }
                        tbody { @for row in &self.view.rows { (self.row(row)) } }
                    }
                    p.note { "“补填”为填报期后补报或退回后重报的指标项数；一票否决的园区/基地不参加排名，列于表末。" }
                    p.note { "打印：" (self.mark) "，编号 " (self.number) }
                }
            }
        }
    }

    fn dimension<'b>(&'b self, code: &'b str) -> &'b str {
        self.scheme
            .and_then(|scheme| scheme.dimensions.iter().find(|dimension| dimension.code == code))
            .map_or(code, |dimension| dimension.name.as_str())
    }

    /// Whether the reader sees more than places, totals and grades.
    fn is_detailed(&self) -> bool {
        self.view.rows.iter().any(|row| row.base.is_some())
    }

    fn head(&self) -> Markup {
        html! {
            tr {
                th scope="col" { "名次" } th scope="col" { "园区/基地" } th scope="col" { "类型" } th scope="col" { "总分" }
                th scope="col" { "等次" }
                @if self.is_detailed() {
                    @for code in &self.view.dimensions { th scope="col" { (self.dimension(code)) } }
                    th scope="col" { "加分" } th scope="col" { "扣分" } th scope="col" { "补填" }
                    th scope="col" { "上年名次" }
                }
            }
        }
    }

    fn row(&self, row: &RankingRow) -> Markup {
        let class = match (row.vetoed, row.own) {
            (true, _) => "vetoed",
            (false, true) => "own",
            (false, false) => "",
        };
        let rank = row.rank.map_or_else(|| "—".to_owned(), |rank| rank.to_string());
        let kind = if row.kind == "base" { "基地" } else { "园区" };
        html! {
            tr class=(class) {
                td.number { (rank) } td { (row.park_name) } td { (kind) } td.number { (row.total) } td { (row.grade) }
                @if self.is_detailed() { (self.details(row)) }
            }
        }
    }

    fn details(&self, row: &RankingRow) -> Markup {
        let points = |code: &str| row.dimensions.as_ref().and_then(|all| all[code].as_str());
        let shown = |number: Option<i32>| number.map_or_else(|| "—".to_owned(), |number| number.to_string());
        html! {
            @for code in &self.view.dimensions { td.number { (points(code).unwrap_or("—")) } }
            td.number { (row.bonus.as_deref().unwrap_or("—")) }
            td.number { (row.deduction.as_deref().unwrap_or("—")) }
            td.number { (shown(row.supplements)) }
            td.number { (shown(row.previous_rank)) }
        }
    }
}
