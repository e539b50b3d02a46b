//! The stored contract of [`super::NewsArticle`]: never rename or retype what stands here.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{Hit, News};
use crate::id::{AccountId, ParkId};
use crate::review::ReviewEvent;

/// What happened to an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum NewsArticleEvent {
    /// A member of a park began it.
    Opened {
        /// The park it is news of.
        park: ParkId,
        /// Who began it.
        author: AccountId,
    },
    /// The author submitted a revision although the screening had found something in it.
    HitsConfirmed {
        /// Which revision.
        revision: u32,
        /// Where and what; the words themselves stand in the revision.
        hits: Vec<Hit>,
    },
    /// The authority took it down: the public does not see it.
    TakenDown {
        /// Why.
        reason: String,
    },
    /// The authority put it back.
    PutBack {},
    /// Its park deleted it.
    Deleted {
        /// Why, if somebody said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// When; it can be restored for 30 days.
        at: DateTime<Utc>,
    },
    /// Its park took the deletion back.
    Restored {},
    /// It was drafted, submitted, judged …
    #[serde(untagged)]
    Review(ReviewEvent<News>),
}

impl DomainEvent for NewsArticleEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Opened { .. } => "NewsArticleOpened".to_owned(),
            Self::HitsConfirmed { .. } => "NewsArticleHitsConfirmed".to_owned(),
            Self::TakenDown { .. } => "NewsArticleTakenDown".to_owned(),
            Self::PutBack {} => "NewsArticlePutBack".to_owned(),
            Self::Deleted { .. } => "NewsArticleDeleted".to_owned(),
            Self::Restored {} => "NewsArticleRestored".to_owned(),
            Self::Review(event) => format!("NewsArticle{}", <&str>::from(event)),
        }
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
