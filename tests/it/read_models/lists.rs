//! Pages, order and filters.

use projections::QueryError;
use projections::page::{PageQuery, PageRequest};
use projections::provider_applications::ProviderApplicationFilter;

use super::*;

async fn names(side: &ReadSide, filter: &ProviderApplicationFilter, page: &PageRequest) -> Vec<String> {
    let page = provider_applications::list(&side.db, &reviewer(1), filter, page).await.unwrap();
    page.items.into_iter().filter_map(|row| row.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keyset_pages_are_stable_while_rows_arrive() {
    with_read_side(async |side| {
        for number in 1..=7 {
            side.submitted(&person(number), &format!("园区{number:02}")).await;
        }
        side.settle().await;
        let filter = ProviderApplicationFilter::default();
        let mut seen = Vec::new();
        let mut request = PageRequest::first(3);
        loop {
            let page = provider_applications::list(&side.db, &reviewer(1), &filter, &request).await.unwrap();
            seen.extend(page.items.iter().filter_map(|row| row.name.clone()));
            // A newer one appears before what was read already.
            side.submitted(&person(100 + u128::try_from(seen.len()).unwrap()), "新来园区").await;
            side.settle().await;
            let Some(cursor) = page.next_cursor else { break };
            request = PageRequest::after(3, &cursor).unwrap();
        }
        assert_eq!(seen, ["园区07", "园区06", "园区05", "园区04", "园区03", "园区02", "园区01"]);

        let first = provider_applications::list(&side.db, &reviewer(1), &filter, &PageRequest::first(3))
            .await
            .unwrap();
        assert_eq!((first.total, first.total_is_estimate), (10, false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_sorted_filtered_and_numbered_as_asked() {
    with_read_side(async |side| {
        for (number, name) in [(1, "乙园区"), (2, "甲园区"), (3, "丙基地")] {
            side.submitted(&person(number), name).await;
        }
        side.settle().await;
        let all = ProviderApplicationFilter::default();
        let by_opening = PageRequest::first(2).sorted("openedAt");
        assert_eq!(names(side, &all, &by_opening).await, ["乙园区", "甲园区"]);
        let reversed = PageRequest::first(2).sorted("-openedAt");
        assert_eq!(names(side, &all, &reversed).await, ["丙基地", "甲园区"]);
        let second_page =
            PageQuery { limit: Some(2), page: Some(2), sort: Some("openedAt".to_owned()), cursor: None };
        assert_eq!(names(side, &all, &second_page.try_into().unwrap()).await, ["丙基地"]);
        let q = ProviderApplicationFilter { q: Some("甲".to_owned()), ..Default::default() };
        assert_eq!(names(side, &q, &PageRequest::default()).await, ["甲园区"]);
        let wildcard = ProviderApplicationFilter { q: Some("%".to_owned()), ..Default::default() };
        assert!(names(side, &wildcard, &PageRequest::default()).await.is_empty());
        let approved =
            ProviderApplicationFilter { status: Some("approved".to_owned()), ..Default::default() };
        assert!(names(side, &approved, &PageRequest::default()).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_does_not_offer_is_told_apart_from_a_fault() {
    with_read_side(async |side| {
        side.submitted(&person(1), "甲园区").await;
        side.submitted(&person(2), "乙园区").await;
        side.settle().await;
        let all = ProviderApplicationFilter::default();
        let wrong =
            async |filter: &ProviderApplicationFilter, page: &PageRequest| match provider_applications::list(
                &side.db,
                &reviewer(1),
                filter,
                page,
            )
            .await
            {
                Err(QueryError::Wrong(field)) => field.code,
                other => panic!("{other:?}"),
            };
        assert_eq!(
            wrong(&all, &PageRequest::default().sorted("draft; drop table events")).await,
            "page.sort"
        );
        let unknown = ProviderApplicationFilter { status: Some("lost".to_owned()), ..Default::default() };
        assert_eq!(wrong(&unknown, &PageRequest::default()).await, "filter.unknown");
        // The cursor of one order does not fit another.
        let page = PageRequest::first(1);
        let next = provider_applications::list(&side.db, &reviewer(1), &all, &page)
            .await
            .unwrap()
            .next_cursor
            .unwrap();
        let other_order = PageRequest::after(1, &next).unwrap().sorted("openedAt");
        assert_eq!(wrong(&all, &other_order).await, "page.cursor");
        // One that somebody made up: sort key and unique key of the wrong type.
        let made_up = "eyJzIjoiLXVwZGF0ZWRBdCIsImsiOiJub3ciLCJ0IjoieCJ9";
        assert_eq!(wrong(&all, &PageRequest::after(1, made_up).unwrap()).await, "page.cursor");
    })
    .await;
}

#[test]
fn limits_are_checked_all_at_once() {
    let query = PageQuery { limit: Some(101), page: Some(501), cursor: Some("x".to_owned()), sort: None };
    let errors = PageRequest::try_from(query).unwrap_err();
    let codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!(codes, ["page.limit", "page.number", "page.cursor_and_page"]);
    assert!(PageRequest::try_from(PageQuery { cursor: Some("x".to_owned()), ..Default::default() }).is_err());
    assert!(PageRequest::try_from(PageQuery { limit: Some(0), ..Default::default() }).is_err());
    assert_eq!(PageRequest::try_from(PageQuery::default()).unwrap(), PageRequest::default());
}
