//! What can be done to a [`super::NewsArticle`].

use std::sync::Arc;

use super::{News, SensitiveTerms};
use crate::id::ParkId;
use crate::park::Standing;
use crate::review::ReviewCommand;

/// What can be done to an article. `standing` is how the one who commands it stands to its park, looked up.
#[derive(Debug, Clone)]
pub enum NewsArticleCommand {
    /// Begin one, with a first draft.
    Open {
        /// The park it is news of.
        park: ParkId,
        /// Looked up.
        standing: Standing,
        /// May be incomplete.
        news: Box<News>,
    },
    /// Save the content being worked on; what is public stays, what is pending is taken back.
    Edit {
        /// Looked up.
        standing: Standing,
        /// The whole new content, may be incomplete.
        news: Box<News>,
    },
    /// Hand it in.
    Submit {
        /// Looked up.
        standing: Standing,
        /// The terms it is screened for.
        terms: Arc<SensitiveTerms>,
        /// The author has seen what the screening found and means it.
        confirmed: bool,
    },
    /// Take the pending revision back, or drop the draft.
    Withdraw {
        /// Looked up.
        standing: Standing,
    },
    /// The reviewer's side: claim, release, approve, return, reject.
    Judge(Box<ReviewCommand<News>>),
    /// 下架: the authority hides it from the public.
    TakeDown {
        /// Why.
        reason: String,
    },
    /// The authority undoes a take-down.
    PutBack,
    /// Delete it.
    Delete {
        /// Looked up.
        standing: Standing,
        /// The title as the person sees it.
        confirm: String,
        /// Why, if they want to say.
        reason: Option<String>,
    },
    /// Undo a deletion.
    Restore {
        /// Looked up.
        standing: Standing,
    },
}
