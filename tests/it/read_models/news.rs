//! News of the parks: what each viewer sees of an article in each of its states, from its events.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::actor::Role;
use domain::id::{NewsArticleId, ParkId};
use domain::news_article::{News, NewsArticle, NewsArticleCommand, NewsInput};
use domain::park::Standing;
use projections::news_articles::{self, NewsFilter, ParkNewsFilter, Published};

use super::*;

const STANDING: Standing = Standing::Member;

fn news(title: &str) -> Box<News> {
    let fields =
        serde_json::json!({"title": title, "column": "updates", "source": "园区", "body": "<p>正文</p>"});
    Box::new(serde_json::from_value::<NewsInput>(fields).unwrap().parse().unwrap())
}

async fn order(side: &ReadSide, id: NewsArticleId, by: &Actor, command: NewsArticleCommand) {
    side.order::<NewsArticle>(id.0, by, command).await;
}

async fn submitted(side: &ReadSide, park: ParkId, by: &Actor, title: &str) -> NewsArticleId {
    let id = NewsArticleId(side.app.clock.new_id());
    order(side, id, by, NewsArticleCommand::Open { park, standing: STANDING, news: news(title) }).await;
    order(side, id, by, submit()).await;
    id
}

fn submit() -> NewsArticleCommand {
    NewsArticleCommand::Submit { standing: STANDING, terms: Arc::default(), confirmed: true }
}

fn judge(command: ReviewCommand<News>) -> NewsArticleCommand {
    NewsArticleCommand::Judge(Box::new(command))
}

fn approve() -> NewsArticleCommand {
    judge(ReviewCommand::Approve { comment: None })
}

fn delete(title: &str) -> NewsArticleCommand {
    NewsArticleCommand::Delete { standing: STANDING, confirm: title.to_owned(), reason: None }
}

fn editor() -> Actor {
    staff(5, Role::Editor)
}

/// Something of everything that can happen to news.
pub async fn some_news(side: &ReadSide, park: ParkId, by: &Actor) {
    let first = submitted(side, park, by, "第一篇园区资讯").await;
    order(side, first, &editor(), approve()).await;
    let edit = NewsArticleCommand::Edit { standing: STANDING, news: news("电话 13800000000 的资讯") };
    order(side, first, by, edit).await;
    order(side, first, by, submit()).await;
    order(side, first, &editor(), NewsArticleCommand::TakeDown { reason: "内容与事实不符".to_owned() }).await;
    order(side, first, &editor(), NewsArticleCommand::PutBack).await;
    let second = submitted(side, park, by, "第二篇园区资讯").await;
    order(side, second, by, delete("第二篇园区资讯")).await;
    let third = submitted(side, park, by, "第三篇园区资讯").await;
    order(side, third, &editor(), judge(ReviewCommand::Reject { reason: "与园区无关".to_owned() })).await;
    order(side, third, by, delete("第三篇园区资讯")).await;
    order(side, third, by, NewsArticleCommand::Restore { standing: STANDING }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_seen_as_far_as_it_concerns_the_viewer() {
    with_read_side(async |side| {
        let (owner, other) = (side.sign_in(1).await, side.sign_in(2).await);
        let park = side.established(&owner, "甲园区").await;
        side.established(&other, "乙园区").await;
        let article = submitted(side, park, &owner, "第一篇园区资讯").await;
        side.settle().await;
        let inside =
            async |viewer: &Actor| news_articles::read(&side.db, viewer, article, side.now()).await.unwrap();
        let outside = async |viewer: &Actor| {
            news_articles::published(&side.db, viewer, article, side.now()).await.unwrap()
        };
        let listed = async |viewer: &Actor| {
            let (filter, page) = (ParkNewsFilter::default(), PageRequest::default());
            let page =
                news_articles::of_park(&side.db, viewer, park, &filter, side.now(), &page).await.unwrap();
            page.map(|page| page.total)
        };
        assert_eq!(inside(&owner).await.unwrap().article.visibility, "unpublished");
        assert!(inside(&owner).await.unwrap().draft.is_some());
        assert!(inside(&editor()).await.unwrap().draft.is_none());
        for viewer in [&other, &Actor::Visitor, &reviewer(1), &auditor()] {
            assert!(inside(viewer).await.is_none(), "{viewer}");
            assert_eq!(outside(viewer).await, Published::Nothing, "{viewer}");
            assert_eq!(listed(viewer).await, None, "{viewer}");
        }
        assert_eq!([listed(&owner).await, listed(&editor()).await], [Some(1), Some(1)]);

        order(side, article, &editor(), approve()).await;
        side.settle().await;
        assert!(matches!(outside(&other).await, Published::Found(row) if row.park_name == "甲园区"));
        order(side, article, &owner, delete("第一篇园区资讯")).await;
        side.settle().await;
        assert_eq!(outside(&Actor::Visitor).await, Published::Deleted);
        assert_eq!(listed(&owner).await, Some(0), "what is deleted is listed only when asked for");
        assert_eq!(inside(&owner).await.unwrap().article.visibility, "deleted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_visibility_is_found_by_its_name() {
    with_read_side(async |side| {
        let owner = side.sign_in(1).await;
        let park = side.established(&owner, "甲园区").await;
        some_news(side, park, &owner).await;
        submitted(side, park, &owner, "第四篇园区资讯").await;
        side.settle().await;
        let titles = async |visibility: &str, now| {
            let filter =
                ParkNewsFilter { visibility: Some(visibility.to_owned()), ..ParkNewsFilter::default() };
            let page = PageRequest::default().sorted("title");
            let page = news_articles::of_park(&side.db, &owner, park, &filter, now, &page).await.unwrap();
            page.unwrap().items.into_iter().filter_map(|row| row.title).collect::<Vec<_>>()
        };
        let now = side.now();
        assert_eq!(titles("published", now).await, ["电话 13800000000 的资讯"]);
        assert_eq!(titles("deleted", now).await, ["第二篇园区资讯"]);
        assert_eq!(titles("unpublished", now).await.len(), 2);
        assert!(titles("takenDown", now).await.is_empty());
        assert!(titles("expired", now + TimeDelta::days(9)).await.is_empty());
        let filter = NewsFilter { q: Some("第一篇".to_owned()), ..NewsFilter::default() };
        let found =
            news_articles::list(&side.db, &Actor::Visitor, &filter, now, &PageRequest::default()).await;
        assert_eq!(found.unwrap().total, 1, "the title that is public, not the one being worked on");
    })
    .await;
}
