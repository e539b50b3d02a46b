//! What the stories of the assessment begin with: four parks, the officers, a cycle with the sample scheme.

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::Role;
use domain::assessment_scheme::sample::{self, SamplePark};
use domain::assessment_submission::submission_of;
use domain::id::{AssessmentCycleId, ParkId};
use serde_json::{Value, json};
use tests::sample_files::pdf;
use tests::{Caller, TestApp};
use uuid::Uuid;

/// Four parks in an open cycle; the clock stands a day before filing opens.
pub struct World<'a> {
    pub app: &'a TestApp,
    pub parks: Vec<(Uuid, SamplePark)>,
    pub cycle: Uuid,
    pub opens_at: DateTime<Utc>,
}

impl<'a> World<'a> {
    /// Establishes the parks, drafts and opens the cycle.
    pub async fn new(app: &'a TestApp) -> Self {
        let mut parks = Vec::new();
        for (number, park) in sample::parks().into_iter().enumerate() {
            parks.push((app.established_as(&phone(number), &park.name, park.kind).await.id, park));
        }
        let opens_at = app.now() + TimeDelta::days(1);
        let officer = app.as_staff(Role::Assessor).await;
        let drafted = officer.post("assessment-cycles", plan(opens_at)).await.created();
        let cycle = drafted.id();
        officer.post(&format!("assessment-cycles/{cycle}/open"), json!({})).await.is(200);
        app.settle().await;
        Self { app, parks, cycle, opens_at }
    }

    /// Who runs a park, signed in anew where the clock ended the session.
    pub async fn owner(&self, park: usize) -> Caller<'a> {
        self.app.as_person(&phone(park)).await
    }

    /// A path below the cycle.
    pub fn path(&self, more: &str) -> String {
        format!("assessment-cycles/{}/{more}", self.cycle).trim_end_matches('/').to_owned()
    }

    /// A path below what a park files.
    pub fn submission(&self, park: usize, more: &str) -> String {
        let id = submission_of(AssessmentCycleId(self.cycle), ParkId(self.parks[park].0));
        format!("assessment-submissions/{id}/{more}").trim_end_matches('/').to_owned()
    }

    /// Moves the clock to so many days after filing opened.
    pub async fn day(&self, days: i64) {
        self.app.clock.set(self.opens_at + TimeDelta::days(days));
        self.app.settle().await;
    }

    /// A file of a park's owner.
    pub async fn evidence(&self, park: usize) -> Uuid {
        let uploaded = self.owner(park).await.upload("佐证.pdf", &pdf(1_000)).await.created();
        self.app.settle().await;
        uploaded.id()
    }

    /// Saves one value of a park.
    pub async fn save(&self, park: usize, code: &str, value: Value, attachments: &[Uuid]) {
        let body = json!({"value": value, "attachments": attachments});
        self.owner(park).await.put(&self.path(&format!("filing/items/{code}")), body).await.is(200);
    }

    /// What the parks file in time and late, and everything that staff adopt and mark.
    pub async fn filed_and_judged(&self) {
        let scheme = sample::scheme();
        self.day(2).await;
        for park in 0..self.parks.len() {
            self.fill(park).await;
            let of = &self.parks[park].1;
            let in_time: Vec<&str> = scheme
                .items()
                .filter(|item| item.is_filed() && has_value(of, &item.code))
                .map(|item| item.code.as_str())
                .filter(|code| !of.supplements.iter().any(|late| late == code))
                .collect();
            let owner = self.owner(park).await;
            owner.post(&self.path("filing/submit"), json!({"items": in_time})).await.is(200);
        }
        self.day(21).await;
        for (park, (_, of)) in self.parks.iter().enumerate() {
            if !of.supplements.is_empty() {
                let body = json!({"items": of.supplements, "reason": "数据统计口径需要与海关核对，补报"});
                self.owner(park).await.post(&self.path("filing/supplement"), body).await.is(200);
            }
        }
        self.day(28).await;
        for park in 0..self.parks.len() {
            self.judge(park).await;
        }
        self.app.settle().await;
    }

    /// Saves everything a park files itself.
    async fn fill(&self, park: usize) {
        let file = self.evidence(park).await;
        let scheme = sample::scheme();
        for item in scheme.items().filter(|item| item.is_filed()) {
            let attachments = if item.evidence.is_none() { vec![] } else { vec![file] };
            let value = match self.parks[park].1.values.get(&item.code) {
                Some(value) => value.clone(),
                None if item.rule.is_marked() => json!([file]),
                None => continue,
            };
            self.save(park, &item.code, value, &attachments).await;
        }
    }

    /// Adopts every value as it is, and has three experts mark what is marked.
    async fn judge(&self, park: usize) {
        let scheme = sample::scheme();
        let officer = self.app.as_staff(Role::Assessor).await;
        for (code, value) in &self.parks[park].1.values {
            if scheme.item(code).is_some_and(|item| !item.rule.is_marked()) {
                let path = self.submission(park, &format!("items/{code}/verify"));
                officer.post(&path, json!({"adoptedValue": value})).await.is(200);
            }
        }
        for (code, marks) in &self.parks[park].1.marks {
            for (number, mark) in (1..).zip(marks) {
                let expert = self.app.as_staff_named(&format!("expert{number}"), &[Role::Assessor]).await;
                let path = self.submission(park, &format!("items/{code}/score"));
                expert.post(&path, json!({"score": mark.to_string()})).await.is(200);
            }
        }
    }

    /// The published ranking: computed and published by one officer.
    pub async fn publicized(&self) {
        let officer = self.app.as_staff(Role::Assessor).await;
        officer.post(&self.path("compute"), json!({})).await.is(200);
        officer.post(&self.path("publicize"), json!({})).await.is(200);
        self.app.settle().await;
    }
}

fn phone(park: usize) -> String {
    format!("138000003{park:02}")
}

fn has_value(of: &SamplePark, code: &str) -> bool {
    of.values.contains_key(code) || of.marks.contains_key(code)
}

/// A plan with the sample scheme; filing for twenty days, a week for supplements.
pub fn plan(opens_at: DateTime<Utc>) -> Value {
    let scheme: Value = serde_json::from_str(sample::SCHEME_JSON).unwrap();
    json!({
        "year": 2025,
        "title": "2025年度三亚跨境电商园区（基地）考核",
        "parkKinds": ["park", "base"],
        "scheme": scheme,
        "calendar": {
            "filingOpensAt": opens_at,
            "filingClosesAt": opens_at + TimeDelta::days(20),
            "supplementClosesAt": opens_at + TimeDelta::days(27),
            "publicityDays": 5,
            "answerDays": 5,
        },
    })
}
