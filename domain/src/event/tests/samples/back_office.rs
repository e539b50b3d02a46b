//! Events of what a park does in its back office: news.

use super::{Sample, full, review_events};
use crate::event::Event;
use crate::id::ParkId;
use crate::news_article::{Hit, HitKind, News, NewsArticleEvent};
use crate::stories::{account, at, news, uuid};

/// All of them.
pub fn samples() -> Vec<Sample> {
    news_events()
}

fn news_events() -> Vec<Sample> {
    let news_event = |name, event| Sample { name, event: Event::NewsArticle(event) };
    let hit = |pointer: &str, kind, term: Option<&str>| Hit {
        pointer: pointer.to_owned(),
        kind,
        start: 4,
        end: 15,
        term: term.map(str::to_owned),
    };
    let hits = vec![
        hit("/body", HitKind::MobileNumber, None),
        hit("/body", HitKind::IdentityNumber, None),
        hit("/title", HitKind::SensitiveTerm, Some("最佳")),
    ];
    let unnamed = vec![hit("/body", HitKind::MobileNumber, None)];
    let reason = "内容与事实不符".to_owned();
    let own = [
        full(Event::NewsArticle(NewsArticleEvent::Opened { park: ParkId(uuid(0x300)), author: account(1) })),
        news_event("full", NewsArticleEvent::HitsConfirmed { revision: 2, hits }),
        news_event("minimal", NewsArticleEvent::HitsConfirmed { revision: 2, hits: unnamed }),
        news_event("full", NewsArticleEvent::TakenDown { reason: reason.clone() }),
        news_event("full", NewsArticleEvent::PutBack {}),
        news_event("full", NewsArticleEvent::Deleted { reason: Some(reason), at: at(9) }),
        news_event("minimal", NewsArticleEvent::Deleted { reason: None, at: at(9) }),
        news_event("full", NewsArticleEvent::Restored {}),
    ];
    let reviewed = review_events(&[("full", news()), ("minimal", News::default())]);
    let reviewed =
        reviewed.into_iter().map(|(name, event)| news_event(name, NewsArticleEvent::Review(event)));
    own.into_iter().chain(reviewed).collect()
}
