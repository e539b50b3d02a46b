//! The stored names of all events there are: what an auditor may ask for.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_es::Aggregate;
use strum::VariantNames;

use crate::account::{Account, AccountEvent};
use crate::assessment_cycle::{AssessmentCycle, AssessmentCycleEvent};
use crate::assessment_submission::{AssessmentSubmission, AssessmentSubmissionEvent};
use crate::enterprise_import::{EnterpriseImport, EnterpriseImportEvent};
use crate::legal_statement::{LegalStatement, LegalStatementEvent};
use crate::managed_enterprise::{ManagedEnterprise, ManagedEnterpriseEvent};
use crate::news_article::{NewsArticle, NewsArticleEvent};
use crate::objection::{Objection, ObjectionEvent};
use crate::operation::{Operation, OperationEvent};
use crate::park::{Park, ParkEvent};
use crate::provider_application::{ProviderApplication, ProviderApplicationEvent};
use crate::ranking::{Ranking, RankingEvent};
use crate::review::ReviewEvent;
use crate::settlement_application::{SettlementApplication, SettlementApplicationEvent};
use crate::staff_account::{StaffAccount, StaffAccountEvent};
use crate::stored_file::{StoredFile, StoredFileEvent};
use crate::working_calendar::{WorkingCalendar, WorkingCalendarEvent};

/// By aggregate, from the types themselves.
pub fn names() -> BTreeMap<&'static str, BTreeSet<String>> {
    let application = reviewed(
        ProviderApplication::TYPE,
        ProviderApplicationEvent::VARIANTS,
        "Review",
        "ProviderApplication",
    );
    BTreeMap::from([
        (Account::TYPE, prefixed("", AccountEvent::VARIANTS)),
        (StaffAccount::TYPE, prefixed("", StaffAccountEvent::VARIANTS)),
        (LegalStatement::TYPE, prefixed("", LegalStatementEvent::VARIANTS)),
        (ProviderApplication::TYPE, application),
        (Park::TYPE, reviewed(Park::TYPE, ParkEvent::VARIANTS, "Profile", "ParkProfile")),
        (NewsArticle::TYPE, reviewed(NewsArticle::TYPE, NewsArticleEvent::VARIANTS, "Review", "NewsArticle")),
        (SettlementApplication::TYPE, prefixed("", SettlementApplicationEvent::VARIANTS)),
        (ManagedEnterprise::TYPE, prefixed("", ManagedEnterpriseEvent::VARIANTS)),
        (EnterpriseImport::TYPE, prefixed("", EnterpriseImportEvent::VARIANTS)),
        (Operation::TYPE, prefixed("", OperationEvent::VARIANTS)),
        (StoredFile::TYPE, prefixed("", StoredFileEvent::VARIANTS)),
        (WorkingCalendar::TYPE, prefixed("", WorkingCalendarEvent::VARIANTS)),
        (AssessmentCycle::TYPE, prefixed("", AssessmentCycleEvent::VARIANTS)),
        (AssessmentSubmission::TYPE, prefixed("", AssessmentSubmissionEvent::VARIANTS)),
        (Ranking::TYPE, prefixed("", RankingEvent::VARIANTS)),
        (Objection::TYPE, prefixed("", ObjectionEvent::VARIANTS)),
    ])
}

fn prefixed(prefix: &str, variants: &[&str]) -> BTreeSet<String> {
    variants.iter().map(|variant| format!("{prefix}{variant}")).collect()
}

/// Variants of an aggregate whose variant `review` stands for all events of a review, stored under `prefix`.
fn reviewed(own: &str, variants: &[&str], review: &str, prefix: &str) -> BTreeSet<String> {
    let plain: Vec<&str> = variants.iter().copied().filter(|variant| *variant != review).collect();
    let of_review = prefixed(prefix, ReviewEvent::<()>::VARIANTS);
    prefixed(own, &plain).into_iter().chain(of_review).collect()
}
