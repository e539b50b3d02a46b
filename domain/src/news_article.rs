//! An article of a park's news (新闻资讯, manual 1.3.4).
//!
//! Its content changes by revisions that are reviewed ([`Lifecycle::Repeating`]): the approved one stays public meanwhile.
//! Beside the review there is what the public sees of it:
//!
//! ```text
//! (none) ─open→ Unpublished ─approve→ Published ─take down→ TakenDown ─put back, approve→ Published
//!                    └──────────────────┴─delete→ Deleted ─restore, within 30 days→ as it was before
//! ```
//! Always: only members of its park write it, and nothing while the park is suspended; to other persons it does not exist;
//! what is deleted waits in no queue; what looks like a phone number, an identity number or a sensitive term is submitted
//! only when the author says so, and that is history.
//! Deliberately not here: making HTML safe (`application/src/news_html.rs`, before the command), and the day it expires,
//! which queries look at.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Issued};
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::calendar::civil_date;
use crate::id::{AccountId, ParkId};
use crate::park::Standing;
use crate::refusal::FieldError;
use crate::review::{Lifecycle, Review, ReviewCommand, ReviewEvent, State};
use crate::text;

mod command;
mod content;
mod error;
mod event;
mod screening;
pub use command::NewsArticleCommand;
pub use content::{FILES_PATH, News, NewsInput, visible_text};
pub use error::NewsArticleError;
pub use event::NewsArticleEvent;
pub use screening::{Hit, HitKind, SensitiveTerms, TermsError, screen};
#[cfg(test)]
mod tests;

/// How long a deletion can be taken back (domain.md §1a, M26).
pub const RESTORABLE_FOR: TimeDelta = TimeDelta::days(30);
/// Reasons of people, in characters (domain.md §4).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;

/// The state of an article.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewsArticle {
    /// Nothing before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    /// Its content, revisions and decisions.
    pub review: Review<News>,
    /// Taken down by the authority and not put back.
    pub taken_down: bool,
    /// When it was deleted, unless it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Whose article it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The park it is news of.
    pub park: ParkId,
    /// The member of the park who began it.
    pub author: AccountId,
}

type Decided = Result<Vec<NewsArticleEvent>, NewsArticleError>;

impl NewsArticle {
    fn open(&self, park: ParkId, standing: Standing, news: &News, by: &Actor) -> Decided {
        writes(standing, NewsArticleError::ParkNotFound)?;
        let author = by.account().ok_or(NewsArticleError::ParkNotFound)?;
        if let Some(opened) = &self.opened {
            let same = *opened == Opened { park, author } && self.review.draft.as_ref() == Some(news);
            return if same { Ok(vec![]) } else { Err(NewsArticleError::AlreadyOpened) };
        }
        Ok(vec![
            NewsArticleEvent::Opened { park, author },
            NewsArticleEvent::Review(ReviewEvent::Drafted { content: news.clone() }),
        ])
    }

    /// Editing what is pending takes it back first: the reviewer does not judge what the author no longer means.
    fn edit(&self, news: &News, issued: &Issued<NewsArticleCommand>) -> Decided {
        if self.review.state != State::Submitted {
            return self.reviewed(&ReviewCommand::Draft(news.clone()), issued);
        }
        if self.review.draft.as_ref() == Some(news) {
            return Ok(vec![]);
        }
        let events = [ReviewEvent::Withdrawn {}, ReviewEvent::Drafted { content: news.clone() }];
        Ok(events.map(NewsArticleEvent::Review).into())
    }

    fn submit(
        &self,
        terms: &SensitiveTerms,
        confirmed: bool,
        issued: &Issued<NewsArticleCommand>,
    ) -> Decided {
        let mut events = self.reviewed(&ReviewCommand::Submit, issued)?;
        let Some(NewsArticleEvent::Review(ReviewEvent::Submitted { revision, content, .. })) = events.first()
        else {
            return Ok(events);
        };
        let mut wrong = content.missing_fields();
        let today = civil_date(issued.at);
        if content.expires_on.is_some_and(|last| last < today) {
            wrong.push(FieldError::new("/expiresOn", "news.expired", "有效期已过，请修改后再提交"));
        }
        if !wrong.is_empty() {
            return Err(NewsArticleError::Incomplete(wrong));
        }
        let hits = screen(content, terms);
        if !hits.is_empty() {
            if !confirmed {
                return Err(NewsArticleError::HitsUnconfirmed(hits));
            }
            events.push(NewsArticleEvent::HitsConfirmed { revision: *revision, hits });
        }
        Ok(events)
    }

    fn judge(&self, command: &ReviewCommand<News>, issued: &Issued<NewsArticleCommand>) -> Decided {
        match command {
            // The author's side has commands of its own, which know how the author stands to the park.
            ReviewCommand::Draft(_) | ReviewCommand::Submit | ReviewCommand::Withdraw => {
                Err(NewsArticleError::NotFound)
            }
            ReviewCommand::Claim
            | ReviewCommand::Release
            | ReviewCommand::Approve { .. }
            | ReviewCommand::Return { .. }
            | ReviewCommand::Reject { .. } => self.reviewed(command, issued),
        }
    }

    fn reviewed(&self, command: &ReviewCommand<News>, issued: &Issued<NewsArticleCommand>) -> Decided {
        let events = self.review.decide(command, &issued.by, issued.at, Lifecycle::Repeating)?;
        Ok(events.into_iter().map(NewsArticleEvent::Review).collect())
    }

    fn take_down(&self, reason: &str) -> Decided {
        let reason = reason_of(reason)?;
        if self.review.live().is_none() {
            return Err(NewsArticleError::NotPublished);
        }
        Ok(if self.taken_down { vec![] } else { vec![NewsArticleEvent::TakenDown { reason }] })
    }

    fn delete(&self, confirm: &str, reason: Option<&str>, at: DateTime<Utc>) -> Decided {
        if self.deleted_at.is_some() {
            return Ok(vec![]);
        }
        let typed = text::check("/confirm", confirm, 1..=TITLE_CHARS_MAX).unwrap_or_default();
        if !self.titles().contains(&typed.as_str()) {
            return Err(NewsArticleError::NotConfirmed { title: self.title().to_owned() });
        }
        let reason = reason.filter(|reason| !text::is_blank(reason)).map(reason_of).transpose()?;
        let pending = self.review.state == State::Submitted;
        let withdrawn = pending.then_some(NewsArticleEvent::Review(ReviewEvent::Withdrawn {}));
        Ok(withdrawn.into_iter().chain([NewsArticleEvent::Deleted { reason, at }]).collect())
    }

    fn restore(&self, at: DateTime<Utc>) -> Decided {
        match self.deleted_at {
            None => Ok(vec![]),
            Some(deleted_at) if at <= deleted_at + RESTORABLE_FOR => Ok(vec![NewsArticleEvent::Restored {}]),
            Some(_) => Err(NewsArticleError::RestoreExpired),
        }
    }

    /// The title that lists show: that of the content being worked on.
    pub fn title(&self) -> &str {
        title_of(self.review.draft.as_ref())
    }

    /// The titles by which a person knows it: in the back office, and on the public page.
    fn titles(&self) -> Vec<&str> {
        let live = self.review.live().map(|revision| title_of(Some(&revision.content)));
        live.into_iter().chain([self.title()]).collect()
    }

    fn found(&self) -> Result<&Opened, NewsArticleError> {
        self.opened.as_ref().ok_or(NewsArticleError::NotFound)
    }

    /// There, and not deleted; what is deleted is only restored.
    fn kept(&self) -> Result<(), NewsArticleError> {
        self.found()?;
        if self.deleted_at.is_some() { Err(NewsArticleError::Deleted) } else { Ok(()) }
    }

    /// The same, for somebody of the park.
    fn written_by(&self, standing: Standing) -> Result<(), NewsArticleError> {
        self.found()?;
        writes(standing, NewsArticleError::NotFound)?;
        self.kept()
    }
}

/// What an article without a title is called.
const UNTITLED: &str = "（无标题）";
/// Longest title and longest confirmation, in characters.
const TITLE_CHARS_MAX: usize = 60;

fn title_of(news: Option<&News>) -> &str {
    news.and_then(|news| news.title.as_deref()).unwrap_or(UNTITLED)
}

fn reason_of(reason: &str) -> Result<String, NewsArticleError> {
    text::lines("/reason", reason, REASON_CHARS).map_err(|error| NewsArticleError::Invalid(vec![error]))
}

/// Lets members of a park that is not suspended through; to outsiders `nothing` is there.
fn writes(standing: Standing, nothing: NewsArticleError) -> Result<(), NewsArticleError> {
    match standing {
        Standing::Member => Ok(()),
        Standing::Suspended => Err(NewsArticleError::ParkSuspended),
        Standing::Outsider => Err(nothing),
    }
}

impl Decide for NewsArticle {
    type Intent = NewsArticleCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            NewsArticleCommand::Open { park, standing, news } => {
                self.open(*park, *standing, news, &issued.by)
            }
            NewsArticleCommand::Edit { standing, news } => {
                self.written_by(*standing)?;
                self.edit(news, issued)
            }
            NewsArticleCommand::Submit { standing, terms, confirmed } => {
                self.written_by(*standing)?;
                self.submit(terms, *confirmed, issued)
            }
            NewsArticleCommand::Withdraw { standing } => {
                self.written_by(*standing)?;
                self.reviewed(&ReviewCommand::Withdraw, issued)
            }
            NewsArticleCommand::Judge(command) => {
                self.kept()?;
                self.judge(command, issued)
            }
            NewsArticleCommand::TakeDown { reason } => {
                self.kept()?;
                self.take_down(reason)
            }
            NewsArticleCommand::PutBack => {
                self.kept()?;
                Ok(if self.taken_down { vec![NewsArticleEvent::PutBack {}] } else { vec![] })
            }
            NewsArticleCommand::Delete { standing, confirm, reason } => {
                self.found()?;
                writes(*standing, NewsArticleError::NotFound)?;
                self.delete(confirm, reason.as_deref(), issued.at)
            }
            NewsArticleCommand::Restore { standing } => {
                self.found()?;
                writes(*standing, NewsArticleError::NotFound)?;
                self.restore(issued.at)
            }
        }
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        NewsArticleError::AlreadyOpened
    }
}

impl Aggregate for NewsArticle {
    const TYPE: &'static str = "NewsArticle";
    type Command = Issued<NewsArticleCommand>;
    type Event = NewsArticleEvent;
    type Error = NewsArticleError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            NewsArticleEvent::Opened { park, author } => self.opened = Some(Opened { park, author }),
            NewsArticleEvent::HitsConfirmed { .. } => {}
            NewsArticleEvent::TakenDown { .. } => self.taken_down = true,
            NewsArticleEvent::PutBack {} => self.taken_down = false,
            NewsArticleEvent::Deleted { at, .. } => self.deleted_at = Some(at),
            NewsArticleEvent::Restored {} => self.deleted_at = None,
            NewsArticleEvent::Review(event) => {
                if matches!(event, ReviewEvent::Approved { .. }) {
                    self.taken_down = false;
                }
                self.review.apply(event);
            }
        }
    }
}
