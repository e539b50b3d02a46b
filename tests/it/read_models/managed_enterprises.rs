//! The rosters: every row from its events, who sees it, and that no list of a large roster reads all of it.

use chrono::NaiveDate;
use domain::actor::Role;
use domain::id::{ManagedEnterpriseId, ParkId};
use domain::managed_enterprise::{
    EnterpriseInput, ManagedEnterprise, ManagedEnterpriseCommand as Command, ManagedEnterpriseProfile,
};
use domain::park::Standing;
use domain::personal::Personal;
use projections::managed_enterprises::{self, EnterpriseFilter, ZoneEnterpriseFilter};
use sqlx::PgPool;

use super::*;

const STANDING: Standing = Standing::Member;
/// Enough rows that PostgreSQL would rather not read them all; a million behave the same and take minutes to make.
const MANY: i32 = 60_000;

fn enterprise(
    id: ManagedEnterpriseId,
    name: &str,
    code: &str,
    status: &str,
) -> Box<ManagedEnterpriseProfile> {
    let fields = serde_json::json!({"name": name, "creditCode": code, "settledOn": "2024-06-01", "status": status,
        "category": "seller", "regimes": ["9610"], "contactName": "王小明", "contactPhone": "13900139000"});
    let input: EnterpriseInput = serde_json::from_value(fields).unwrap();
    Box::new(input.parse(id.0, NaiveDate::from_ymd_opt(2026, 9, 22).unwrap()).unwrap())
}

async fn added(side: &ReadSide, park: ParkId, by: &Actor, name: &str, code: &str) -> ManagedEnterpriseId {
    let id = ManagedEnterpriseId(side.app.clock.new_id());
    let add = Command::Add {
        park,
        standing: STANDING,
        enterprise: enterprise(id, name, code, "resident"),
        settlement_application: None,
        import: None,
    };
    side.order::<ManagedEnterprise>(id.0, by, add).await;
    id
}

async fn delete(side: &ReadSide, id: ManagedEnterpriseId, by: &Actor, name: &str) {
    let delete = Command::Delete { standing: STANDING, confirm: name.to_owned(), reason: None };
    side.order::<ManagedEnterprise>(id.0, by, delete).await;
}

/// Something of everything that can happen to the roster of a park.
pub async fn some_enterprises(side: &ReadSide, park: ParkId, by: &Actor) {
    let first = added(side, park, by, "甲贸易公司", "91460200MA5TPK0116").await;
    let mut enterprise = enterprise(first, "甲贸易公司", "91460200MA5TPK0116", "left");
    enterprise.contact_phone = Some(Personal::of(first.0, "13700137000".to_owned()));
    let edit = Command::Edit { standing: STANDING, enterprise, reason: None, import: None };
    side.order::<ManagedEnterprise>(first.0, by, edit).await;
    let second = added(side, park, by, "乙贸易公司", "91460200MA5TPK02XX").await;
    delete(side, second, by, "乙贸易公司").await;
    added(side, park, by, "丙贸易公司", "91460200MA5TPK02XX").await;
}

fn assessor() -> Actor {
    staff(4, Role::Assessor)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_its_parks_and_the_authoritys_and_doubles_are_flagged_while_they_are() {
    with_read_side(async |side| {
        let (owner, other) = (side.sign_in(1).await, side.sign_in(2).await);
        let (park, second) =
            (side.established(&owner, "甲园区").await, side.established(&other, "乙园区").await);
        some_enterprises(side, park, &owner).await;
        let double = added(side, second, &other, "甲贸易有限公司", "91460200MA5TPK0116").await;
        side.settle().await;
        let own = async |viewer: &Actor| {
            let (filter, page) = (EnterpriseFilter::default(), PageRequest::default());
            let page = managed_enterprises::of_park(&side.db, viewer, park, &filter, &page).await.unwrap();
            page.map(|page| page.total)
        };
        assert_eq!(own(&owner).await, Some(2), "what is deleted is not counted");
        for viewer in [&other, &reviewer(1), &auditor(), &Actor::Visitor] {
            assert_eq!(own(viewer).await, None, "{viewer}");
        }
        let zone = async |viewer: &Actor, duplicates| {
            let filter = ZoneEnterpriseFilter { duplicates, ..ZoneEnterpriseFilter::default() };
            managed_enterprises::list(&side.db, viewer, &filter, &PageRequest::default()).await.unwrap().total
        };
        assert_eq!([zone(&reviewer(1), None).await, zone(&assessor(), None).await], [3, 3]);
        assert_eq!([zone(&owner, None).await, zone(&auditor(), None).await], [0, 0]);
        assert_eq!([zone(&reviewer(1), Some(true)).await, zone(&reviewer(1), Some(false)).await], [2, 1]);
        let seen = async |viewer: &Actor| {
            managed_enterprises::get(&side.db, viewer, double)
                .await
                .unwrap()
                .map(|row| row.enterprise.duplicate)
        };
        assert_eq!(seen(&owner).await, None);
        assert_eq!(seen(&other).await, Some(None), "a park does not learn of the other");
        assert_eq!(seen(&assessor()).await, Some(Some(true)));
        for table in ["rm.managed_enterprises", "rm.managed_enterprise_changes", "events"] {
            let kept = side.rows(table).await.concat();
            assert!(!kept.contains("13900139000") && !kept.contains("13700137000"), "{table}");
        }

        delete(side, double, &other, "甲贸易有限公司").await;
        side.settle().await;
        assert_eq!(zone(&reviewer(1), Some(true)).await, 0);
        assert_eq!(seen(&assessor()).await, None);
    })
    .await;
}

/// Rows as the projection writes them, one in twenty of them in `park`.
async fn fill(superuser: &PgPool, park: ParkId) {
    sqlx::query(
        "insert into rm.managed_enterprises (id, park, name, credit_code, settled_on, status, category, regimes, enterprise,
             search, grams, duplicate, deleted, added_at, updated_at, version, position)
         select gen_random_uuid(), case when n % 20 = 0 then $1 else gen_random_uuid() end, named.name,
             lpad(n::text, 18, '9'), date '2020-01-01' + n % 2000, case when n % 100 = 0 then 'left' else 'resident' end,
             (array['seller', 'logistics', 'payment', 'service'])[1 + (n / 20) % 4],
             case when n % 60 = 0 then array['9810'] else array['9610'] end, '{}'::jsonb, named.name,
             array(select distinct substr(named.name, i, 2) from generate_series(1, length(named.name) - 1) i),
             n % 5000 = 0, false, now(), now(), 1, n
         from generate_series(1, $2) n, lateral (select '企业' || n as name) named",
    )
    .bind(park.0)
    .bind(MANY)
    .execute(superuser)
    .await
    .unwrap();
    sqlx::query("analyze").execute(superuser).await.unwrap();
}

/// Rows that were read without an index. Scans are not counted: those of the projection, while the table was empty, are
/// reported whenever their connections like.
async fn scanned(superuser: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select sum(seq_tup_read)::bigint from pg_stat_all_tables where relname = 'managed_enterprises'",
    )
    .fetch_one(superuser)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_filter_and_no_order_reads_a_large_roster_from_end_to_end() {
    with_read_side(async |side| {
        let owner = side.sign_in(1).await;
        let park = side.established(&owner, "甲园区").await;
        let superuser = side.superuser().await;
        fill(&superuser, park).await;
        let none = EnterpriseFilter::default();
        let text = |value: &str| Some(value.to_owned());
        let filters = [
            none.clone(),
            EnterpriseFilter { q: text("企业1240"), ..none.clone() },
            EnterpriseFilter { q: text("7"), ..none.clone() },
            EnterpriseFilter { status: text("left"), ..none.clone() },
            EnterpriseFilter { category: text("payment"), ..none.clone() },
            EnterpriseFilter { regime: text("9810"), ..none.clone() },
            EnterpriseFilter { settled_from: NaiveDate::from_ymd_opt(2024, 1, 1), ..none.clone() },
            EnterpriseFilter { settled_to: NaiveDate::from_ymd_opt(2020, 2, 1), ..none.clone() },
        ];
        let connections = side.another_pool().await;
        let before = scanned(&superuser).await;
        let mut asked = 0;
        for filter in &filters {
            for sort in ["-settledOn", "settledOn", "name", "-updatedAt"] {
                let first = PageRequest::first(20).sorted(sort);
                let page = managed_enterprises::of_park(&connections, &owner, park, filter, &first).await.unwrap();
                let page = page.unwrap();
                if let Some(cursor) = page.next_cursor {
                    let next = PageRequest::after(20, &cursor).unwrap().sorted(sort);
                    let next = managed_enterprises::of_park(&connections, &owner, park, filter, &next).await;
                    assert!(!next.unwrap().unwrap().items.is_empty());
                }
                asked += 1;
            }
        }
        let zone = ZoneEnterpriseFilter::default();
        // Counting all rosters stops after 10,001 rows wherever it begins, so only what is filtered needs an index.
        for filter in [
            ZoneEnterpriseFilter { q: text("企业1240"), ..zone.clone() },
            ZoneEnterpriseFilter { status: text("left"), ..zone.clone() },
            ZoneEnterpriseFilter { regime: text("9810"), ..zone.clone() },
            ZoneEnterpriseFilter { duplicates: Some(true), ..zone.clone() },
        ] {
            for sort in ["-settledOn", "name"] {
                let page = PageRequest::first(20).sorted(sort);
                let page = managed_enterprises::list(&connections, &reviewer(1), &filter, &page).await.unwrap();
                assert!(!page.items.is_empty(), "{filter:?}");
                asked += 1;
            }
        }
        managed_enterprises::summary(&connections, &owner, park).await.unwrap().unwrap();
        assert_eq!(asked, 40);
        // A connection reports what it read when it ends.
        connections.close().await;
        let sql = "select (sum(idx_scan) > 80)::int::bigint from pg_stat_all_tables where relname = 'managed_enterprises'";
        side.until(sql, 1).await;
        let after = scanned(&superuser).await;
        assert!(after - before < 1_000, "a list read {} rows of the table from end to end", after - before);
        superuser.close().await;
    })
    .await;
}
