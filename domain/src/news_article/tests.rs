//! Given, when, then: an article from its first draft to its deletion and back.
//!
//! All commands in all states of a review are tested with the kernel, `review/tests.rs`. Here: that an article passes them
//! on, and what stands beside the review. What is screened, what an article says, and
//! what the public sees of it, are in `tests/`.

use std::sync::Arc;

use strum::IntoEnumIterator;

use super::*;
use crate::id::StaffId;
use crate::refusal::Refusal;
use crate::review::{DUE_AFTER, ReviewError};
use crate::stories::{
    account, assert_round_trip, at, claims_of, editor, fold, issued, news, news_with, person, staff_id, uuid,
    when, wrong,
};

mod content;
mod screening;
mod visibility;

type Event = NewsArticleEvent;
type Error = NewsArticleError;
type Command = NewsArticleCommand;

const REASON: &str = "内容与事实不符";
const TITLE: &str = "崖州湾园区举办跨境电商培训";
/// Minutes of 30 days.
const MONTH: i64 = 30 * 24 * 60;

fn park() -> ParkId {
    ParkId(uuid(0x300))
}

fn opened() -> Event {
    Event::Opened { park: park(), author: account(1) }
}

fn drafted(content: News) -> Event {
    Event::Review(ReviewEvent::Drafted { content })
}

fn submitted(revision: u32, content: News, minute: i64) -> Event {
    Event::Review(ReviewEvent::Submitted {
        revision,
        content,
        submitted_by: person(1).to_string(),
        submitted_at: at(minute),
        due_at: at(minute) + DUE_AFTER,
        unchanged: false,
    })
}

fn approved(revision: u32, reviewer: StaffId) -> Event {
    Event::Review(ReviewEvent::Approved { revision, reviewer, comment: None })
}

fn returned(revision: u32) -> Event {
    let (reviewer, reason) = (staff_id(1), REASON.to_owned());
    Event::Review(ReviewEvent::Returned { revision, reviewer, reason, fields: vec![] })
}

fn rejected(revision: u32) -> Event {
    Event::Review(ReviewEvent::Rejected { revision, reviewer: staff_id(1), reason: REASON.to_owned() })
}

fn withdrawn() -> Event {
    Event::Review(ReviewEvent::Withdrawn {})
}

fn taken_down() -> Event {
    Event::TakenDown { reason: REASON.to_owned() }
}

fn deleted(minute: i64) -> Event {
    Event::Deleted { reason: None, at: at(minute) }
}

/// The shortest history in which an article's review stands in `state`.
fn history(state: State) -> Vec<Event> {
    let mut history = vec![opened(), drafted(news())];
    if !matches!(state, State::None | State::Draft) {
        history.push(submitted(1, news(), 0));
    }
    match state {
        State::None | State::Draft | State::Submitted => {}
        State::Approved => history.push(approved(1, staff_id(1))),
        State::Returned => history.push(returned(1)),
        State::Rejected => history.push(rejected(1)),
        State::Withdrawn => history.push(withdrawn()),
    }
    history
}

fn states() -> impl Iterator<Item = State> {
    State::iter().filter(|state| *state != State::None)
}

fn then(mut history: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    history.extend(more);
    history
}

fn outcome(history: &[Event], by: &Actor, minute: i64, command: Command) -> Result<Vec<Event>, Error> {
    when::<NewsArticle>(history, issued(by, minute, command))
}

fn member(history: &[Event], command: Command) -> Result<Vec<Event>, Error> {
    outcome(history, &person(1), 60, command)
}

fn staff(history: &[Event], command: Command) -> Result<Vec<Event>, Error> {
    outcome(history, &editor(2), 60, command)
}

fn open(standing: Standing) -> Command {
    Command::Open { park: park(), standing, news: Box::new(news()) }
}

fn edit(standing: Standing, news: News) -> Command {
    Command::Edit { standing, news: Box::new(news) }
}

fn submit(standing: Standing, confirmed: bool) -> Command {
    Command::Submit { standing, terms: Arc::default(), confirmed }
}

fn delete(standing: Standing, confirm: &str) -> Command {
    Command::Delete { standing, confirm: confirm.to_owned(), reason: None }
}

fn other() -> News {
    news_with("title", "崖州湾园区再办跨境电商培训")
}

/// Every command of a member.
fn of_members(standing: Standing) -> [Command; 5] {
    [
        edit(standing, other()),
        submit(standing, false),
        Command::Withdraw { standing },
        delete(standing, TITLE),
        Command::Restore { standing },
    ]
}

fn judging() -> [ReviewCommand<News>; 5] {
    let reason = REASON.to_owned();
    [
        ReviewCommand::Claim,
        ReviewCommand::Release,
        ReviewCommand::Approve { comment: None },
        ReviewCommand::Return { reason: reason.clone(), fields: vec![] },
        ReviewCommand::Reject { reason },
    ]
}

/// Every command of staff.
fn of_staff() -> Vec<Command> {
    let judging = judging().map(|command| Command::Judge(Box::new(command)));
    judging.into_iter().chain([take_down(), Command::PutBack]).collect()
}

fn take_down() -> Command {
    Command::TakeDown { reason: REASON.to_owned() }
}

#[test]
fn a_member_begins_an_article_as_a_draft() {
    assert_eq!(member(&[], open(Standing::Member)), Ok(vec![opened(), drafted(news())]));
    let empty = Command::Open { park: park(), standing: Standing::Member, news: Box::default() };
    assert_eq!(member(&[], empty), Ok(vec![opened(), drafted(News::default())]));
}

#[test]
fn nobody_begins_one_for_a_park_that_is_suspended_or_not_theirs() {
    assert_eq!(member(&[], open(Standing::Suspended)), Err(Error::ParkSuspended));
    assert_eq!(member(&[], open(Standing::Outsider)), Err(Error::ParkNotFound));
    assert_eq!(staff(&[], open(Standing::Outsider)), Err(Error::ParkNotFound));
}

#[test]
fn one_begun_again_changes_nothing_and_an_id_holds_one() {
    assert_eq!(member(&history(State::Draft), open(Standing::Member)), Ok(vec![]));
    let edited = then(history(State::Draft), [drafted(other())]);
    assert_eq!(member(&edited, open(Standing::Member)), Err(Error::AlreadyOpened));
    let by_another = outcome(&history(State::Draft), &person(2), 0, open(Standing::Member));
    assert_eq!(by_another, Err(Error::AlreadyOpened));
}

#[test]
fn nothing_but_opening_happens_to_an_article_that_is_not_there() {
    for command in of_members(Standing::Member) {
        assert_eq!(member(&[], command.clone()), Err(Error::NotFound), "{command:?}");
    }
    for command in of_staff() {
        assert_eq!(staff(&[], command.clone()), Err(Error::NotFound), "{command:?}");
    }
}

#[test]
fn to_outsiders_an_article_does_not_exist_and_a_suspended_park_writes_nothing() {
    for state in states() {
        for history in [history(state), then(history(state), [deleted(0)])] {
            for command in of_members(Standing::Outsider) {
                assert_eq!(member(&history, command.clone()), Err(Error::NotFound), "{state:?} {command:?}");
            }
            for command in of_members(Standing::Suspended) {
                assert_eq!(
                    member(&history, command.clone()),
                    Err(Error::ParkSuspended),
                    "{state:?} {command:?}"
                );
            }
        }
    }
}

#[test]
fn every_command_of_the_review_in_every_state_is_decided_by_it() {
    for state in states() {
        let history = history(state);
        let review = fold::<NewsArticle>(&history).review;
        let standing = Standing::Member;
        let own = [
            (edit(standing, other()), ReviewCommand::Draft(other())),
            (submit(standing, false), ReviewCommand::Submit),
            (Command::Withdraw { standing }, ReviewCommand::Withdraw),
        ]
        .map(|(command, review)| (person(1), command, review));
        let judged = judging().map(|review| (editor(2), Command::Judge(Box::new(review.clone())), review));
        for (by, command, asked) in own.into_iter().chain(judged) {
            if (state, &asked) == (State::Submitted, &ReviewCommand::Draft(other())) {
                continue; // Told by `editing_what_is_pending_takes_it_back`.
            }
            let expected = review.decide(&asked, &by, at(60), Lifecycle::Repeating);
            let expected = expected
                .map(|events| events.into_iter().map(Event::Review).collect::<Vec<_>>())
                .map_err(Error::Review);
            assert_eq!(outcome(&history, &by, 60, command), expected, "{state:?} {asked:?}");
        }
    }
}

#[test]
fn the_authors_side_of_a_review_is_not_open_to_judges_nor_judging_to_persons() {
    for command in [ReviewCommand::Draft(other()), ReviewCommand::Submit, ReviewCommand::Withdraw] {
        let refused = staff(&history(State::Draft), Command::Judge(Box::new(command)));
        assert_eq!(refused, Err(Error::NotFound));
    }
    for command in judging() {
        let refused = member(&history(State::Submitted), Command::Judge(Box::new(command)));
        assert_eq!(refused, Err(Error::Review(ReviewError::NotReviewer)));
    }
}

#[test]
fn editing_what_is_pending_takes_it_back() {
    let pending = history(State::Submitted);
    let replaced = member(&pending, edit(Standing::Member, other()));
    assert_eq!(replaced, Ok(vec![withdrawn(), drafted(other())]));
    assert_eq!(member(&pending, edit(Standing::Member, news())), Ok(vec![]));
}

#[test]
fn only_a_whole_article_is_submitted() {
    let history = [opened(), drafted(News::default())];
    let refused = member(&history, submit(Standing::Member, true)).unwrap_err();
    assert_eq!(refused.code(), "news.incomplete");
    let required = ["/title", "/column", "/source", "/body"].map(|field| format!("{field} field.required"));
    assert_eq!(wrong(&refused), required);
}

#[test]
fn what_has_expired_is_not_submitted() {
    let submit_at = |expires_on: &str| {
        let history = [opened(), drafted(news_with("expiresOn", expires_on))];
        member(&history, submit(Standing::Member, false))
    };
    assert_eq!(wrong(&submit_at("2026-11-22").unwrap_err()), ["/expiresOn news.expired"]);
    assert!(submit_at("2026-11-23").is_ok(), "the last day is a day");
}

#[test]
fn what_looks_personal_is_submitted_only_when_confirmed_and_that_is_history() {
    let content = news_with("body", "<p>请联系 138 0000 0000</p>");
    let history = [opened(), drafted(content.clone())];
    let refused = member(&history, submit(Standing::Member, false)).unwrap_err();
    assert_eq!((refused.code(), refused.kind()), ("news.hits_unconfirmed", crate::refusal::Kind::Invalid));
    assert_eq!(wrong(&refused), ["/body news.mobile_number"]);
    let hits = screen(&content, &SensitiveTerms::default());
    let events = member(&history, submit(Standing::Member, true));
    assert_eq!(events, Ok(vec![submitted(1, content, 60), Event::HitsConfirmed { revision: 1, hits }]));
    let nothing_found = member(&[opened(), drafted(news())], submit(Standing::Member, true));
    assert_eq!(nothing_found, Ok(vec![submitted(1, news(), 60)]), "there was nothing to confirm");
}

#[test]
fn a_published_article_stays_until_the_next_revision_is_approved() {
    let title = |history: &[Event]| {
        let article = fold::<NewsArticle>(history);
        article.review.live().and_then(|revision| revision.content.title.clone())
    };
    let mut history = history(State::Approved);
    for event in [drafted(other()), submitted(2, other(), 60), returned(2), submitted(3, other(), 61)] {
        history.push(event);
        assert_eq!(title(&history).as_deref(), Some(TITLE));
    }
    history.push(approved(3, staff_id(1)));
    assert_eq!(title(&history), other().title);
}

#[test]
fn an_article_claims_nothing_and_its_state_survives_json() {
    assert_round_trip(&NewsArticle::default());
    for state in states() {
        assert_round_trip(&fold::<NewsArticle>(&history(state)));
        assert_round_trip(&fold::<NewsArticle>(&then(history(state), [taken_down(), deleted(9)])));
        assert_eq!(claims_of::<NewsArticle>(&history(state), &deleted(9)), []);
    }
    assert_eq!(claims_of::<NewsArticle>(&[], &opened()), []);
}
