//! What is shown: the worker that reads the ordered log, and one file for each read model.
//!
//! | read model | events | route |
//! |---|---|---|
//! | [`account_directory`] | `Account*` | `GET me` |
//! | [`staff_directory`] | `Staff*` | `GET staff` |
//! | [`legal_statements`] | `LegalStatementPublished` | `GET legal-statements/current`, `GET auth/options` |
//! | [`provider_applications`] | `ProviderApplication*` | `GET provider-applications`, `GET provider-applications/{id}`, `GET me/applications` |
//! | [`review_queue`] | `ProviderApplication*`, `ParkProfile*` and `NewsArticle*` after the draft | `GET reviews`, beside what [`assessment_submissions`] and [`objections`] have |
//! | [`parks`] | `Park*` | `GET parks`, `GET parks/{id}`, `GET parks/mine`, `GET parks/{id}/profile-revisions`, `GET parks/{id}/staff` |
//! | [`news_articles`] | `NewsArticle*` | `GET news`, `GET news/{id}`, `GET parks/{id}/news` |
//! | [`settlement_applications`] | `Settlement*` | `GET parks/{id}/settlement-applications`, `GET settlement-applications/{id}`, `GET me/settlement-applications`, `GET me/applications` |
//! | [`managed_enterprises`] | `ManagedEnterprise*` | `GET parks/{id}/enterprises`, `GET enterprises`, `GET enterprises/{id}` |
//! | [`enterprise_imports`] | `EnterpriseImport*` | `GET enterprise-imports/{id}`, `GET enterprise-imports/{id}/progress` |
//! | [`working_calendars`] | `WorkingCalendarSet` | `GET working-calendars`, `GET working-calendars/{year}` |
//! | [`assessment_cycles`] | `AssessmentCycle*` | `GET assessment-cycles`, `GET assessment-cycles/{id}` |
//! | [`assessment_submissions`] | `AssessmentSubmission*` | `GET assessment-submissions`, `GET assessment-cycles/{id}/filing` |
//! | [`ranking`] | `Ranking*` | `GET assessment-cycles/{id}/ranking` |
//! | [`objections`] | `Objection*` | `GET objections`, `GET objections/{id}` |
//! | [`deadlines`] | those with a deadline, and those that end one | none: [`timekeeper`] reads it |
//! | [`files`] | `StoredFile*`, and of what refers to files: `ParkEstablished`, `…Submitted`, `…Approved` | `GET files/{id}` |
//! | [`audit_trail`] | all | `GET audit/events`, `GET audit/streams/{aggregateType}/{id}` |
//!
//! Always: a read model's tables are written by its own file alone, from events alone; rows and checkpoint commit
//! together; every query takes the viewer, and rows that are not theirs are not there. Reading another read model's view
//! in a query is fine. Deliberately not here: commands, connectors, keys (personal values stay sealed).
//!
//! Code map: [`projection`] what a read model is, [`feed`] reading the log, `slots` and `step` who feeds what and how,
//! `react` the same for processes, [`parked`] events that could not be taken in, [`generation`] and [`rebuild`] blue and
//! green, [`worker`] and `wake` the running tasks, [`stepper`] the same by hand, [`consistency`] reading one's own
//! writes, [`status`] where all of it stands, [`page`] lists.

pub mod account_directory;
pub mod assessment_cycles;
pub mod assessment_submissions;
pub mod audit_trail;
pub mod consistency;
pub mod deadlines;
pub mod enterprise_imports;
pub mod feed;
pub mod files;
pub mod generation;
pub mod legal_statements;
pub mod managed_enterprises;
pub mod news_articles;
pub mod objections;
pub mod page;
pub mod parked;
pub mod parks;
pub mod projection;
pub mod provider_applications;
pub mod ranking;
mod react;
pub mod rebuild;
pub mod review_queue;
pub mod revisions;
pub mod settlement_applications;
mod slots;
pub mod staff_directory;
pub mod status;
mod step;
pub mod stepper;
pub mod timekeeper;
mod wake;
pub mod worker;
pub mod working_calendars;

pub use page::QueryError;
pub use projection::Projection;
pub use status::status;
pub use worker::Workers;

/// The parks of a viewer, as a parameter of SQL.
fn park_ids(viewer: &domain::actor::Actor) -> Vec<uuid::Uuid> {
    viewer.parks().iter().map(|park| park.0).collect()
}

/// Every read model, in the order of the table above.
pub fn all() -> Vec<Box<dyn Projection>> {
    vec![
        Box::new(account_directory::AccountDirectory),
        Box::new(staff_directory::StaffDirectory),
        Box::new(legal_statements::LegalStatements),
        Box::new(provider_applications::ProviderApplications),
        Box::new(review_queue::ReviewQueue),
        Box::new(parks::Parks),
        Box::new(news_articles::NewsArticles),
        Box::new(settlement_applications::SettlementApplications),
        Box::new(managed_enterprises::ManagedEnterprises),
        Box::new(enterprise_imports::EnterpriseImports),
        Box::new(working_calendars::WorkingCalendars),
        Box::new(assessment_cycles::AssessmentCycles),
        Box::new(assessment_submissions::AssessmentSubmissions),
        Box::new(ranking::Rankings),
        Box::new(objections::Objections),
        Box::new(deadlines::Deadlines),
        Box::new(files::Files),
        Box::new(audit_trail::AuditTrail),
    ]
}

/// Makes sure that every read model has tables and views, so that queries find them before the first worker runs.
pub async fn prepare(db: &sqlx::PgPool) -> Result<(), sqlx::Error> {
    for projection in all() {
        generation::ensure(db, &projection::Reader::Projection(projection.into())).await?;
    }
    Ok(())
}

/// The read model of that name.
pub fn named(name: &str) -> Option<Box<dyn Projection>> {
    all().into_iter().find(|projection| projection.name() == name)
}
