//! What files stand on, derived from the events of the things that refer to them.
//!
//! A thing has parts: each submitted revision (`revision/3`), and what is live. A new noun with attachments adds an arm to
//! [`changes_of`], its events to the read model's list, and says for each of its fields who reads it; what is reviewed
//! says only that ([`reviewed`]).

use std::collections::{BTreeMap, BTreeSet};

use cqrs_es::Aggregate;
use domain::actor::Role;
use domain::assessment_scheme::Value;
use domain::assessment_submission::{AssessmentSubmissionEvent, FiledItem};
use domain::event::Event;
use domain::news_article::{News, NewsArticle, NewsArticleEvent};
use domain::objection::ObjectionEvent;
use domain::park::ParkEvent;
use domain::profile::Profile;
use domain::provider_application::ProviderApplicationEvent;
use domain::review::ReviewEvent;
use domain::settlement_application::{SettlementApplication, SettlementApplicationEvent};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::projection::ProjectionError;

/// Who reads what is filed in an assessment.
const ASSESSING: &[Role] = &[Role::Assessor, Role::Auditor];
/// The part that is in force.
const LIVE: &str = "live";

/// A file in a field of a thing, and who may read it there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    file: Uuid,
    field: &'static str,
    park: Option<Uuid>,
    readers: &'static [Role],
    for_public: bool,
}

/// What an event does to the references of its thing.
enum Change {
    /// From now on it is this park's.
    Belong { park: Uuid },
    /// The part has these and no others.
    Set { part: String, references: Vec<Reference> },
    /// What this part has is live from now on, and nothing else.
    Promote { part: String },
}

/// The type of a thing and what an event does to its references; nothing for events that refer to no file. `owner`
/// is the park whose the thing is, as far as its beginning said so.
fn changes_of(thing: Uuid, owner: Option<Uuid>, event: &Event) -> Option<(&'static str, Change)> {
    match event {
        Event::Park(ParkEvent::Established { profile, .. }) => {
            let references = of_profile(profile, Some(thing));
            Some(("Park", Change::Set { part: LIVE.to_owned(), references }))
        }
        Event::Park(ParkEvent::Profile(event)) => {
            Some(("Park", reviewed(event, |profile| of_profile(profile, Some(thing)))?))
        }
        Event::ProviderApplication(ProviderApplicationEvent::Review(event)) => {
            Some(("ProviderApplication", reviewed(event, |profile| of_profile(profile, None))?))
        }
        Event::Park(
            ParkEvent::StaffAdded { .. }
            | ParkEvent::StaffRemoved { .. }
            | ParkEvent::Suspended { .. }
            | ParkEvent::Reinstated {},
        )
        | Event::ProviderApplication(ProviderApplicationEvent::Opened { .. })
        | Event::Account(_)
        | Event::StaffAccount(_)
        | Event::LegalStatement(_)
        | Event::ManagedEnterprise(_)
        | Event::EnterpriseImport(_)
        | Event::Operation(_)
        | Event::WorkingCalendar(_)
        | Event::AssessmentCycle(_)
        | Event::Ranking(_)
        | Event::StoredFile(_) => None,
        Event::NewsArticle(event) => published(event),
        Event::SettlementApplication(event) => applied(event),
        Event::AssessmentSubmission(event) => filed(event, owner),
        Event::Objection(event) => raised(event),
    }
}

/// An article refers to its files from the first draft: all members of its park work on it. Whose it is and whether the
/// public sees it now, the read model of news says.
fn published(event: &NewsArticleEvent) -> Option<(&'static str, Change)> {
    let change = match event {
        NewsArticleEvent::Review(ReviewEvent::Drafted { content }) => {
            Some(Change::Set { part: "draft".to_owned(), references: of_news(content, &[]) })
        }
        NewsArticleEvent::Review(event) => reviewed(event, |news| of_news(news, &[Role::Editor])),
        NewsArticleEvent::Opened { .. }
        | NewsArticleEvent::HitsConfirmed { .. }
        | NewsArticleEvent::TakenDown { .. }
        | NewsArticleEvent::PutBack {}
        | NewsArticleEvent::Deleted { .. }
        | NewsArticleEvent::Restored {} => None,
    };
    Some((NewsArticle::TYPE, change?))
}

fn of_news(news: &News, readers: &'static [Role]) -> Vec<Reference> {
    let reference = |field| move |file| Reference { file, field, park: None, readers, for_public: true };
    let cover = news.cover.into_iter().map(reference("cover"));
    let attachments = news.attachments.iter().copied().map(reference("attachments"));
    cover.chain(news.pictures().into_iter().map(reference("body"))).chain(attachments).collect()
}

/// An application to settle is the park's to read.
fn applied(event: &SettlementApplicationEvent) -> Option<(&'static str, Change)> {
    match event {
        SettlementApplicationEvent::Submitted { park, application, .. } => {
            let references = application.attachments.iter().map(|file| Reference {
                file: *file,
                field: "attachments",
                park: Some(park.0),
                readers: &[],
                for_public: false,
            });
            let change = Change::Set { part: LIVE.to_owned(), references: references.collect() };
            Some((SettlementApplication::TYPE, change))
        }
        SettlementApplicationEvent::ContactViewed { .. }
        | SettlementApplicationEvent::NoteAdded { .. }
        | SettlementApplicationEvent::Landed { .. }
        | SettlementApplicationEvent::NotLanded { .. }
        | SettlementApplicationEvent::OutcomeCorrected { .. }
        | SettlementApplicationEvent::Withdrawn {}
        | SettlementApplicationEvent::Overdue {} => None,
    }
}

/// A filing refers to the evidence of its items, for all of its park; what is only drafted is its author's alone.
fn filed(event: &AssessmentSubmissionEvent, owner: Option<Uuid>) -> Option<(&'static str, Change)> {
    match event {
        AssessmentSubmissionEvent::Begun { park, .. } => {
            Some(("AssessmentSubmission", Change::Belong { park: park.0 }))
        }
        AssessmentSubmissionEvent::Filed { items, at, .. } => {
            // One file may be the evidence of several items.
            let files: BTreeSet<(Uuid, &'static str)> = items.iter().flat_map(of_filed).collect();
            let references = files.into_iter().map(|(file, field)| Reference {
                file,
                field,
                park: owner,
                readers: ASSESSING,
                for_public: false,
            });
            let part = format!("filed/{}", at.to_rfc3339());
            Some(("AssessmentSubmission", Change::Set { part, references: references.collect() }))
        }
        AssessmentSubmissionEvent::Drafted { .. }
        | AssessmentSubmissionEvent::ItemClaimed { .. }
        | AssessmentSubmissionEvent::ItemReleased { .. }
        | AssessmentSubmissionEvent::ItemVerified { .. }
        | AssessmentSubmissionEvent::ItemScored { .. }
        | AssessmentSubmissionEvent::ItemRecused { .. }
        | AssessmentSubmissionEvent::ItemReturned { .. }
        | AssessmentSubmissionEvent::ItemsOverdue { .. }
        | AssessmentSubmissionEvent::ItemsAdjusted { .. }
        | AssessmentSubmissionEvent::Locked {} => None,
    }
}

fn raised(event: &ObjectionEvent) -> Option<(&'static str, Change)> {
    match event {
        ObjectionEvent::Raised(raised) => {
            let references = raised.attachments.iter().map(|file| Reference {
                file: file.0,
                field: "attachments",
                park: Some(raised.park.0),
                readers: ASSESSING,
                for_public: false,
            });
            Some(("Objection", Change::Set { part: LIVE.to_owned(), references: references.collect() }))
        }
        ObjectionEvent::Withdrawn {}
        | ObjectionEvent::Claimed { .. }
        | ObjectionEvent::Released {}
        | ObjectionEvent::Accepted { .. }
        | ObjectionEvent::Rejected { .. }
        | ObjectionEvent::Overdue {} => None,
    }
}

/// The evidence of a filed item, and the files that are its value.
fn of_filed(item: &FiledItem) -> Vec<(Uuid, &'static str)> {
    let value: Vec<Uuid> = match &item.value {
        Value::List(files) => files.iter().filter_map(|file| file.parse().ok()).collect(),
        Value::Boolean(_) | Value::Plain(_) | Value::Ratio(_) | Value::Growth(_) | Value::Inputs(_) => {
            Vec::new()
        }
    };
    let evidence = item.attachments.iter().map(|file| (file.0, "attachments"));
    value.into_iter().map(|file| (file, "value")).chain(evidence).collect()
}

/// Something that is reviewed: a submitted revision refers to its files, and an approved one is live. What is only
/// drafted is its author's alone, who owns its files.
fn reviewed<C>(event: &ReviewEvent<C>, references: impl Fn(&C) -> Vec<Reference>) -> Option<Change> {
    let part = |revision: &u32| format!("revision/{revision}");
    match event {
        ReviewEvent::Submitted { revision, content, .. } => {
            Some(Change::Set { part: part(revision), references: references(content) })
        }
        ReviewEvent::Approved { revision, .. } => Some(Change::Promote { part: part(revision) }),
        ReviewEvent::Drafted { .. }
        | ReviewEvent::Withdrawn {}
        | ReviewEvent::Claimed { .. }
        | ReviewEvent::Released {}
        | ReviewEvent::Returned { .. }
        | ReviewEvent::Rejected { .. } => None,
    }
}

/// Of a park's profile everybody sees the pictures once they are live, and nobody outside the certificates. What an
/// applicant hands in is public only as a part of the park it becomes.
fn of_profile(profile: &Profile, park: Option<Uuid>) -> Vec<Reference> {
    let readers: &[Role] = &[Role::Reviewer];
    let reference =
        |field, for_public| move |file: &Uuid| Reference { file: *file, field, park, readers, for_public };
    let images = profile.images.iter().map(reference("images", park.is_some()));
    images.chain(profile.certificates.iter().map(reference("certificates", false))).collect()
}

/// Type, thing and part.
type Place = (String, Uuid, String);

/// A row as it is stored.
#[derive(Debug, Clone, FromRow)]
struct Row {
    file: Uuid,
    thing_type: String,
    thing: Uuid,
    part: String,
    field: String,
    park: Option<Uuid>,
    readers: Vec<String>,
    for_public: bool,
}

/// The references of the things of a batch, and which parts the batch changes.
pub(super) struct Writes {
    parts: BTreeMap<Place, Vec<Row>>,
    changed: BTreeSet<Place>,
    owners: BTreeMap<Uuid, Uuid>,
    begun: BTreeSet<Uuid>,
}

impl Writes {
    /// What these things refer to now.
    pub async fn load(things: &[Uuid], tx: &mut PgConnection) -> Result<Self, ProjectionError> {
        let rows: Vec<Row> = sqlx::query_as("select * from file_references where thing = any($1)")
            .bind(things)
            .fetch_all(&mut *tx)
            .await?;
        let owners: Vec<(Uuid, Uuid)> =
            sqlx::query_as("select thing, park from file_things where thing = any($1)")
                .bind(things)
                .fetch_all(tx)
                .await?;
        let mut parts: BTreeMap<Place, Vec<Row>> = BTreeMap::new();
        for row in rows {
            parts.entry((row.thing_type.clone(), row.thing, row.part.clone())).or_default().push(row);
        }
        let (changed, begun) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { parts, changed, owners: owners.into_iter().collect(), begun })
    }

    /// Takes an event in. Setting a part is idempotent, and revisions never change: a batch taken in again, or a part of
    /// it, ends at the same rows.
    pub fn take(&mut self, thing: Uuid, event: &Event) {
        let owner = self.owners.get(&thing).copied();
        let Some((kind, change)) = changes_of(thing, owner, event) else { return };
        let place = |part: &str| (kind.to_owned(), thing, part.to_owned());
        let (place, rows) = match change {
            Change::Belong { park } => {
                self.owners.insert(thing, park);
                self.begun.insert(thing);
                return;
            }
            Change::Set { part, references } => {
                let place = place(&part);
                let rows = references.iter().map(|reference| row(&place, reference)).collect();
                (place, rows)
            }
            Change::Promote { part } => {
                let of_part = self.parts.get(&place(&part)).cloned().unwrap_or_default();
                let rows = of_part.into_iter().map(|row| Row { part: LIVE.to_owned(), ..row }).collect();
                (place(LIVE), rows)
            }
        };
        self.changed.insert(place.clone());
        self.parts.insert(place, rows);
    }

    /// Replaces the rows of the changed parts.
    pub async fn write(self, tx: &mut PgConnection) -> Result<(), ProjectionError> {
        let begun = || self.begun.iter().filter_map(|thing| Some((*thing, *self.owners.get(thing)?)));
        sqlx::query(
            "insert into file_things (thing, park) select * from unnest($1::uuid[], $2::uuid[])
             on conflict (thing) do nothing",
        )
        .bind(begun().map(|(thing, _)| thing).collect::<Vec<_>>())
        .bind(begun().map(|(_, park)| park).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
        if self.changed.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "delete from file_references r using unnest($1::text[], $2::uuid[], $3::text[]) gone(thing_type, thing, part)
             where r.thing_type = gone.thing_type and r.thing = gone.thing and r.part = gone.part",
        )
        .bind(self.changed.iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>())
        .bind(self.changed.iter().map(|(_, thing, _)| *thing).collect::<Vec<_>>())
        .bind(self.changed.iter().map(|(.., part)| part.as_str()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
        let rows: Vec<&Row> =
            self.changed.iter().filter_map(|place| self.parts.get(place)).flatten().collect();
        sqlx::query(
            "insert into file_references (file, thing_type, thing, part, field, park, readers, for_public)
             select n.file, n.thing_type, n.thing, n.part, n.field, n.park, string_to_array(n.readers, ','), n.for_public
             from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::bool[])
                 n(file, thing_type, thing, part, field, park, readers, for_public)",
        )
        .bind(rows.iter().map(|row| row.file).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.thing_type.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.thing).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.part.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.field.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.park).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.readers.join(",")).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.for_public).collect::<Vec<_>>())
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn row((thing_type, thing, part): &Place, reference: &Reference) -> Row {
    Row {
        file: reference.file,
        thing_type: thing_type.clone(),
        thing: *thing,
        part: part.clone(),
        field: reference.field.to_owned(),
        park: reference.park,
        readers: reference.readers.iter().map(|role| role.name().to_owned()).collect(),
        for_public: reference.for_public,
    }
}
