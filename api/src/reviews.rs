//! 审核: one queue for everything that is submitted, and who works on what.

use application::access::Action;
use application::assessment::objections as assessment;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::news_article::{NewsArticle, NewsArticleCommand};
use domain::objection::{Objection, ObjectionCommand};
use domain::park::{Park, ParkCommand};
use domain::provider_application::{ProviderApplication, ProviderApplicationCommand};
use domain::review::ReviewCommand;
use projections::assessment_cycles::AssessmentCycles;
use projections::assessment_submissions::AssessmentSubmissions;
use projections::objections::Objections;
use projections::page::{Page, PageQuery};
use projections::ranking::Rankings;
use projections::review_queue::{self as read_model, ReviewFilter, ReviewQueue, ReviewRow};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, Nothing, Permitted, ReceiptBody};
use crate::problem::Problem;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(claim)).routes(routes!(release))
}

/// What kind of thing is reviewed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReviewKind {
    /// An application to become a park or base; its id is the application's.
    ProviderApplication,
    /// A revision of a park's profile; its id is the park's.
    ParkProfile,
    /// A revision of an article of a park's news; its id is the article's.
    NewsArticle,
    /// What a park filed in an assessment. It is reserved item by item, with `submissionItemClaim`: here 409.
    AssessmentSubmission,
    /// An objection to a published ranking; not for who judged what it is about.
    Objection,
}

impl ReviewKind {
    /// Who judges it may reserve it.
    fn action(self) -> Action {
        match self {
            Self::ProviderApplication | Self::ParkProfile => Action::Review,
            Self::NewsArticle => Action::ReviewNews,
            Self::AssessmentSubmission => Action::JudgeAssessment,
            Self::Objection => Action::AnswerObjection,
        }
    }
}

/// All that waits for a decision of the caller's, the most urgent first.
#[utoipa::path(
    get,
    path = "/reviews",
    operation_id = "reviewList",
    tag = "审核",
    params(ReviewFilter, PageQuery),
    responses((status = 200, body = Page<ReviewRow>))
)]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<ReviewFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadReviews)?;
    asked.see(&state, &ReviewQueue).await?;
    asked.see(&state, &AssessmentCycles).await?;
    asked.see(&state, &AssessmentSubmissions).await?;
    asked.see(&state, &Rankings).await?;
    asked.see(&state, &Objections).await?;
    let page =
        read_model::list(&state.db, &asked.caller.actor, &listed.filter, state.app.clock.now(), &listed.page)
            .await?;
    Ok(asked.answer(&page, None))
}

/// Reserves it for the caller, so that nobody else decides it for 24 hours.
#[utoipa::path(
    post,
    path = "/reviews/{kind}/{id}/claim",
    operation_id = "reviewClaim",
    tag = "审核",
    params(("kind" = ReviewKind, Path), ("id" = Uuid, Path)),
    request_body = Nothing,
    responses((status = 200, body = ReceiptBody))
)]
async fn claim(
    State(state): State<AppState>,
    Id((kind, id)): Id<(ReviewKind, Uuid)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, kind.action())?;
    reserve(&state, kind, id, command, true).await
}

/// Gives the reservation back.
#[utoipa::path(
    post,
    path = "/reviews/{kind}/{id}/release",
    operation_id = "reviewRelease",
    tag = "审核",
    params(("kind" = ReviewKind, Path), ("id" = Uuid, Path)),
    request_body = Nothing,
    responses((status = 200, body = ReceiptBody))
)]
async fn release(
    State(state): State<AppState>,
    Id((kind, id)): Id<(ReviewKind, Uuid)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, kind.action())?;
    reserve(&state, kind, id, command, false).await
}

async fn reserve(
    state: &AppState,
    kind: ReviewKind,
    id: Uuid,
    command: Permitted,
    claim: bool,
) -> Result<Done, Problem> {
    fn review<C>(claim: bool) -> ReviewCommand<C> {
        if claim { ReviewCommand::Claim } else { ReviewCommand::Release }
    }
    let receipt = match kind {
        ReviewKind::ProviderApplication => {
            command
                .execute::<ProviderApplication>(
                    state,
                    id,
                    ProviderApplicationCommand::Review(Box::new(review(claim))),
                )
                .await?
        }
        ReviewKind::ParkProfile => {
            let revision = state.app.load::<Park>(id).await?.state.profile.revision_number();
            command
                .execute::<Park>(
                    state,
                    id,
                    ParkCommand::ReviewProfile { revision, command: Box::new(review(claim)) },
                )
                .await?
        }
        ReviewKind::NewsArticle => {
            command
                .execute::<NewsArticle>(state, id, NewsArticleCommand::Judge(Box::new(review(claim))))
                .await?
        }
        ReviewKind::AssessmentSubmission => return Err(item_by_item()),
        ReviewKind::Objection => {
            let intent =
                if claim { assessment::claim(&state.app, id).await? } else { ObjectionCommand::Release };
            command.execute::<Objection>(state, id, intent).await?
        }
    };
    Ok(Done::changed(receipt))
}

fn item_by_item() -> Problem {
    let detail = "考核填报按指标逐项领取，请在填报详情中领取要核验的指标";
    Problem::new(StatusCode::CONFLICT, "review.item_by_item", detail)
}
