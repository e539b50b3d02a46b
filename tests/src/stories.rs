//! What tests begin with: the steps of the platform's story, each building on the one before.
//!
//! ```text
//! registered → drafted → submitted → returned → resubmitted → approved → established
//! ```
//! Every step is the requests that a person or a reviewer would send. Read models are settled at the end of each.

use application::processes::park_established::park_of;
use domain::actor::Role;
use domain::id::ProviderApplicationId;
use domain::park::ParkKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Caller, TestApp};

/// An application and who made it.
pub struct Application<'a> {
    /// The applicant.
    pub applicant: Caller<'a>,
    /// The application.
    pub id: Uuid,
    /// Its version after the last step.
    pub version: i64,
}

impl Application<'_> {
    /// Its path, with `step` behind it: `submit`, `approve` …; nothing for the application itself.
    pub fn path(&self, step: &str) -> String {
        format!("provider-applications/{}/{step}", self.id).trim_end_matches('/').to_owned()
    }
}

/// A park and who runs it.
pub struct Established<'a> {
    /// Its owner.
    pub owner: Caller<'a>,
    /// The application it came of.
    pub application: Uuid,
    /// The park.
    pub id: Uuid,
}

impl Established<'_> {
    /// Its path, with more behind it: `staff`, `suspend` …; nothing for the park itself.
    pub fn path(&self, more: &str) -> String {
        format!("parks/{}/{more}", self.id).trim_end_matches('/').to_owned()
    }
}

/// A profile with everything in it.
pub fn profile(name: &str) -> Value {
    json!({
        "name": name,
        "operatorName": "三亚示例园区运营有限公司",
        "operatorCreditCode": "91460200MA5TPK0116",
        "level": "provincial",
        "district": "460205",
        "address": "三亚市崖州区示例路 1 号",
        "longitude": "109.171",
        "latitude": "18.359",
        "totalAreaSqm": "48000",
        "rentableAreaSqm": "36000",
        "usedAreaSqm": "31200.5",
        "openedOn": "2021-06-18",
        "positioning": "跨境电商综合服务与保税展示",
        "services": ["customs", "logistics"],
        "facilities": ["warehousing"],
        "policy": "首年免租。",
        "contactName": "王小明",
        "contactPhone": "13900139000",
        "contactPublic": false,
        "introduction": "园区介绍。",
    })
}

impl TestApp {
    /// Somebody who signed in once.
    pub async fn registered(&self, phone: &str) -> Caller<'_> {
        let person = self.as_person(phone).await;
        self.settle().await;
        person
    }

    /// A draft with a whole profile, for a park.
    pub async fn drafted(&self, phone: &str) -> Application<'_> {
        let applicant = self.registered(phone).await;
        let body = json!({"kind": "park", "profile": profile(&park_name(phone))});
        let opened = applicant.post("provider-applications", body).await.created();
        self.settle().await;
        Application { id: opened.id(), version: opened.version(), applicant }
    }

    /// Handed in.
    pub async fn submitted(&self, phone: &str) -> Application<'_> {
        let application = self.drafted(phone).await;
        self.submit(application).await
    }

    /// Returned once by the reviewer, with a note beside a field.
    pub async fn returned(&self, phone: &str) -> Application<'_> {
        let mut application = self.submitted(phone).await;
        let body = json!({
            "reason": "地址与营业执照不一致",
            "fields": [{"pointer": "/address", "note": "请填写营业执照上的地址"}],
        });
        let reviewer = self.as_staff(Role::Reviewer).await;
        application.version = reviewer.post(&application.path("return"), body).await.ok().version();
        self.settle().await;
        application
    }

    /// Corrected and handed in again.
    pub async fn resubmitted(&self, phone: &str) -> Application<'_> {
        let application = self.returned(phone).await;
        let mut corrected = profile(&park_name(phone));
        corrected["address"] = "三亚市崖州区示例路 2 号".into();
        let body = json!({"profile": corrected});
        application.applicant.put(&application.path(""), body).await.is(200);
        self.submit(application).await
    }

    /// Approved; the park is not there yet.
    pub async fn approved(&self, phone: &str) -> Application<'_> {
        let mut application = self.submitted(phone).await;
        let reviewer = self.as_staff(Role::Reviewer).await;
        let approved = reviewer.post(&application.path("approve"), json!({"comment": "同意"})).await.ok();
        application.version = approved.version();
        application
    }

    /// A park or base under a name of its own, in its owner's back office.
    pub async fn established_as(&self, phone: &str, name: &str, kind: ParkKind) -> Established<'_> {
        let applicant = self.registered(phone).await;
        let body = json!({"kind": kind.name(), "profile": profile(name)});
        let opened = applicant.post("provider-applications", body).await.created();
        let application = Application { id: opened.id(), version: opened.version(), applicant };
        let application = self.submit(application).await;
        let reviewer = self.as_staff(Role::Reviewer).await;
        reviewer.post(&application.path("approve"), json!({})).await.is(200);
        self.settle().await;
        let park = park_of(ProviderApplicationId(application.id));
        Established { owner: application.applicant, application: application.id, id: park.0 }
    }

    /// A park in its owner's back office.
    pub async fn established(&self, phone: &str) -> Established<'_> {
        let application = self.approved(phone).await;
        self.settle().await;
        let park = park_of(ProviderApplicationId(application.id));
        let mine = application.applicant.get("parks/mine").await.ok();
        assert_eq!(mine["/items/0/id"], park.0.to_string(), "the approved park is its applicant's");
        Established { owner: application.applicant, application: application.id, id: park.0 }
    }

    async fn submit<'a>(&self, mut application: Application<'a>) -> Application<'a> {
        let submitted = application.applicant.post(&application.path("submit"), json!({})).await.ok();
        application.version = submitted.version();
        self.settle().await;
        application
    }
}

/// A name of its own for each applicant's park.
pub fn park_name(phone: &str) -> String {
    format!("示例园区{}", &phone[phone.len() - 4..])
}
