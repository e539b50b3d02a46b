//! 新闻资讯 (manual 1.3.4): a park's own articles from draft to deletion, their review, and what the public reads.

use application::access::Action;
use application::back_office::{standing_in, standing_to_news};
use application::news_html;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::id::{NewsArticleId, ParkId};
use domain::news_article::{self, News, NewsArticle, NewsArticleCommand, NewsInput, SensitiveTerms};
use domain::park::Standing;
use domain::refusal::FieldError;
use domain::review::ReviewCommand;
use projections::news_articles::{
    self as read_model, NewsArticles, NewsDetail, NewsFilter, NewsRow, ParkNewsFilter, ParkNewsRow, Published,
};
use projections::page::{Page, PageQuery};
use projections::parks::Parks;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actor::Caller;
use crate::command::{Command, Done, Nothing, Permitted, ReceiptBody};
use crate::files::{self, FileField};
use crate::problem::Problem;
use crate::provider_applications::{Approval, GivingBack, Rejection};
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

mod bodies;
use bodies::{DeleteNews, NewsPage, NewsReceipt, NewsSchema, SubmitNews};

const TAG: &str = "新闻资讯";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(of_park, open))
        .routes(routes!(read, save, delete))
        .routes(routes!(submit))
        .routes(routes!(withdraw))
        .routes(routes!(approve))
        .routes(routes!(give_back))
        .routes(routes!(reject))
        .routes(routes!(take_down))
        .routes(routes!(restore))
}

/// The article whose HTML was made safe, with what was taken out of it.
fn checked(body: NewsSchema) -> Result<(Box<News>, Vec<FieldError>), Problem> {
    let mut input = NewsInput::from(body);
    let mut warnings = Vec::new();
    if let Some(body) = input.body.take() {
        let clean = news_html::clean("/body", &body).map_err(|error| Problem::invalid(vec![error]))?;
        input.body = Some(clean.html);
        warnings = clean.warnings;
    }
    Ok((Box::new(input.parse().map_err(Problem::invalid)?), warnings))
}

/// What the screening finds in an article as it is kept.
fn hits(news: &Value, terms: &SensitiveTerms) -> Result<Vec<FieldError>, Problem> {
    let news: News = serde_json::from_value(news.clone()).map_err(|error| Problem::internal(&error))?;
    Ok(news_article::screen(&news, terms).iter().map(news_article::Hit::to_field).collect())
}

/// Refuses an article with files that the caller may not put there.
async fn check_files(
    state: &AppState,
    caller: &Caller,
    news: &News,
    park: Option<ParkId>,
) -> Result<(), Problem> {
    let pictures: Vec<Uuid> = news.pictures().into_iter().collect();
    let fields = [
        FileField::single("/cover", news.cover.as_slice()).images_only(),
        FileField::single("/body", &pictures).images_only(),
        FileField::list("/attachments", &news.attachments),
    ];
    files::check(state, caller, &fields, park).await
}

/// How the caller stands to the park of an article.
async fn standing(state: &AppState, caller: &Caller, article: Uuid) -> Result<Standing, Problem> {
    Ok(standing_to_news(&state.app, article, &caller.actor).await?)
}

/// News of all parks, newest first, as the public sees them.
#[utoipa::path(get, path = "/news", operation_id = "newsList", tag = TAG, security(()), params(NewsFilter, PageQuery),
    responses((status = 200, body = Page<NewsRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<NewsFilter>,
) -> Result<Response, Problem> {
    asked.see(&state, &NewsArticles).await?;
    asked.see(&state, &Parks).await?;
    let (viewer, now) = (&asked.caller.actor, state.app.clock.now());
    let page = read_model::list(&state.db, viewer, &listed.filter, now, &listed.page).await?;
    Ok(asked.answer_public(&page))
}

/// One article: as the public sees it; for its park and for editors with its draft, its revisions and what the screening
/// finds.
#[utoipa::path(get, path = "/news/{id}", operation_id = "newsRead", tag = TAG, security(()), params(("id" = Uuid, Path)),
    responses((status = 200, body = NewsPage), (status = 410, description = "内容已删除")))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.see(&state, &NewsArticles).await?;
    asked.see(&state, &Parks).await?;
    let (article, now) = (NewsArticleId(id), state.app.clock.now());
    let inside = read_model::read(&state.db, &asked.caller.actor, article, now).await?;
    if let Some(NewsDetail { article, draft, live, confirmed_hits, revisions }) = inside {
        let last = revisions.last().map(|revision| &revision.content);
        let screened = draft
            .as_ref()
            .or(last)
            .map(|news| hits(news, &state.config.back_office.sensitive_terms))
            .transpose()?;
        let version = article.version;
        let detail = NewsDetail { article, draft, live, confirmed_hits, revisions };
        let page = NewsPage::from_inside(detail, screened.unwrap_or_default());
        return Ok(asked.answer(&page, Some(version)));
    }
    match read_model::published(&state.db, &asked.caller.actor, article, now).await? {
        Published::Found(row) => Ok(asked.answer_public(&NewsPage::from_public(*row))),
        Published::Deleted => Err(Problem::new(StatusCode::GONE, "news.deleted", "内容已删除")),
        Published::Nothing => Err(Problem::not_found()),
    }
}

/// A park's own articles, for its members; for editors those that were submitted at least once.
#[utoipa::path(get, path = "/parks/{id}/news", operation_id = "parkNewsList", tag = TAG,
    params(("id" = Uuid, Path), ParkNewsFilter, PageQuery), responses((status = 200, body = Page<ParkNewsRow>)))]
async fn of_park(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
    listed: Listed<ParkNewsFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkNews)?;
    asked.see(&state, &NewsArticles).await?;
    asked.see(&state, &Parks).await?;
    let (viewer, now) = (&asked.caller.actor, state.app.clock.now());
    let page = read_model::of_park(&state.db, viewer, ParkId(id), &listed.filter, now, &listed.page).await?;
    Ok(asked.answer(&page.ok_or_else(Problem::not_found)?, None))
}

/// Begins an article as a draft. What may not stand in its HTML is taken out, and told in `warnings`.
#[utoipa::path(post, path = "/parks/{id}/news", operation_id = "newsOpen", tag = TAG, params(("id" = Uuid, Path)),
    request_body = NewsSchema, responses((status = 201, body = NewsReceipt)))]
async fn open(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<NewsSchema>,
) -> Result<Response, Problem> {
    let (body, command) = command.permit(&state, Action::WriteNews)?;
    let (news, warnings) = checked(body)?;
    let park = ParkId(id);
    let standing = standing_in(&state.app, park, &command.caller.actor).await?;
    check_files(&state, &command.caller, &news, Some(park)).await?;
    let intent = NewsArticleCommand::Open { park, standing, news };
    let article = state.app.clock.new_id();
    let done = Done::created(command.execute::<NewsArticle>(&state, article, intent).await?);
    done.saying(&NewsReceipt::warning(warnings))
}

/// Saves the draft. What is public stays; a pending revision is taken back.
#[utoipa::path(put, path = "/news/{id}", operation_id = "newsSave", tag = TAG, params(("id" = Uuid, Path)),
    request_body = NewsSchema, responses((status = 200, body = NewsReceipt)))]
async fn save(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<NewsSchema>,
) -> Result<Response, Problem> {
    let (body, command) = command.permit(&state, Action::WriteNews)?;
    let (news, warnings) = checked(body)?;
    let standing = standing(&state, &command.caller, id).await?;
    let park = state.app.load::<NewsArticle>(id).await?.state.opened.map(|opened| opened.park);
    check_files(&state, &command.caller, &news, park).await?;
    let intent = NewsArticleCommand::Edit { standing, news };
    let done = Done::changed(command.execute::<NewsArticle>(&state, id, intent).await?);
    done.saying(&NewsReceipt::warning(warnings))
}

/// Hands the article in. Phone and identity numbers and sensitive terms are found first; `confirmHits` submits it all the
/// same, and the reviewer sees them.
#[utoipa::path(post, path = "/news/{id}/submit", operation_id = "newsSubmit", tag = TAG, params(("id" = Uuid, Path)),
    request_body = SubmitNews, responses((status = 200, body = ReceiptBody)))]
async fn submit(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<SubmitNews>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::WriteNews)?;
    let standing = standing(&state, &command.caller, id).await?;
    let terms = state.config.back_office.sensitive_terms.clone();
    let intent = NewsArticleCommand::Submit { standing, terms, confirmed: body.confirm_hits };
    Ok(Done::changed(command.execute::<NewsArticle>(&state, id, intent).await?))
}

/// Takes the pending revision back, or drops the draft; what is public stays.
#[utoipa::path(post, path = "/news/{id}/withdraw", operation_id = "newsWithdraw", tag = TAG, params(("id" = Uuid, Path)),
    request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn withdraw(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::WriteNews)?;
    let standing = standing(&state, &command.caller, id).await?;
    let intent = NewsArticleCommand::Withdraw { standing };
    Ok(Done::changed(command.execute::<NewsArticle>(&state, id, intent).await?))
}

async fn judge(
    state: &AppState,
    id: Uuid,
    command: Permitted,
    review: ReviewCommand<News>,
) -> Result<Done, Problem> {
    let intent = NewsArticleCommand::Judge(Box::new(review));
    Ok(Done::changed(command.execute::<NewsArticle>(state, id, intent).await?))
}

/// Approves the pending revision; it is public at once.
#[utoipa::path(post, path = "/news/{id}/approve", operation_id = "newsApprove", tag = TAG, params(("id" = Uuid, Path)),
    request_body = Approval, responses((status = 200, body = ReceiptBody)))]
async fn approve(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Approval>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::ReviewNews)?;
    judge(&state, id, command, ReviewCommand::Approve { comment: body.comment }).await
}

/// Returns the pending revision to be corrected.
#[utoipa::path(post, path = "/news/{id}/return", operation_id = "newsReturn", tag = TAG, params(("id" = Uuid, Path)),
    request_body = GivingBack, responses((status = 200, body = ReceiptBody)))]
async fn give_back(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<GivingBack>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::ReviewNews)?;
    judge(&state, id, command, body.into_command()).await
}

/// Rejects the pending revision; what is public stays.
#[utoipa::path(post, path = "/news/{id}/reject", operation_id = "newsReject", tag = TAG, params(("id" = Uuid, Path)),
    request_body = Rejection, responses((status = 200, body = ReceiptBody)))]
async fn reject(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Rejection>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::ReviewNews)?;
    judge(&state, id, command, ReviewCommand::Reject { reason: body.reason }).await
}

/// Takes a published article down (下架), with a reason: the public does not see it until an editor restores it or the next
/// revision is approved.
#[utoipa::path(post, path = "/news/{id}/take-down", operation_id = "newsTakeDown", tag = TAG, params(("id" = Uuid, Path)),
    request_body = Rejection, responses((status = 200, body = ReceiptBody)))]
async fn take_down(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Rejection>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::ModerateNews)?;
    let intent = NewsArticleCommand::TakeDown { reason: body.reason };
    Ok(Done::changed(command.execute::<NewsArticle>(&state, id, intent).await?))
}

/// For the article's park: takes a deletion back, within 30 days. For editors: ends a take-down.
#[utoipa::path(post, path = "/news/{id}/restore", operation_id = "newsRestore", tag = TAG, params(("id" = Uuid, Path)),
    request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn restore(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let by_staff = command.caller().actor.staff().is_some();
    let action = if by_staff { Action::ModerateNews } else { Action::WriteNews };
    let (_, command) = command.permit(&state, action)?;
    let intent = if by_staff {
        NewsArticleCommand::PutBack
    } else {
        NewsArticleCommand::Restore { standing: standing(&state, &command.caller, id).await? }
    };
    Ok(Done::changed(command.execute::<NewsArticle>(&state, id, intent).await?))
}

/// Deletes an article: the public finds 「内容已删除」 in its place. `confirm` is its title.
#[utoipa::path(delete, path = "/news/{id}", operation_id = "newsDelete", tag = TAG, params(("id" = Uuid, Path)),
    request_body = DeleteNews, responses((status = 200, body = ReceiptBody)))]
async fn delete(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<DeleteNews>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::WriteNews)?;
    let standing = standing(&state, &command.caller, id).await?;
    let intent = NewsArticleCommand::Delete { standing, confirm: body.confirm, reason: body.reason };
    Ok(Done::changed(command.execute::<NewsArticle>(&state, id, intent).await?))
}
