//! From a request for a page to SQL: whitelisted parts, bound values.

use domain::refusal::FieldError;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder, Row};

use super::{Cursor, Page, PageRequest, Place, QueryError, TOTAL_EXACT_MAX};

/// A list that can be paged. All of it is SQL written in code.
pub(crate) struct List {
    /// The columns of a row.
    pub columns: &'static str,
    /// Table and joins.
    pub from: &'static str,
    /// What it can be sorted by. The first is the usual order; a leading `-` of the name there means descending.
    pub sorts: &'static [Sort],
    /// A unique expression that breaks ties, and its type.
    pub tie: (&'static str, &'static str),
}

/// Name, an expression that is never null, the expression's type.
pub(crate) type Sort = (&'static str, &'static str, &'static str);

struct Order {
    /// As it stands in cursors: `-` and the name.
    name: String,
    expression: &'static str,
    kind: &'static str,
    descending: bool,
}

impl List {
    fn order(&self, asked: Option<&str>) -> Result<Order, QueryError> {
        let usual = self.sorts.first().map_or("", |(name, ..)| *name);
        let asked = asked.unwrap_or(usual);
        let (name, descending) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
        let known = self.sorts.iter().find(|(known, ..)| known.trim_start_matches('-') == name);
        let (_, expression, kind) = known.ok_or_else(|| {
            let names: Vec<&str> = self.sorts.iter().map(|(name, ..)| name.trim_start_matches('-')).collect();
            let detail = format!("不支持按此排序，可用：{}", names.join("、"));
            QueryError::Wrong(FieldError::new("/sort", "page.sort", detail))
        })?;
        Ok(Order { name: asked.to_owned(), expression, kind, descending })
    }
}

/// Fetches a page of `list`; `filter` pushes what follows `where true`.
pub(crate) async fn fetch<T>(
    db: &PgPool,
    list: &List,
    request: &PageRequest,
    filter: impl Fn(&mut QueryBuilder<'_, Postgres>) + Send + Sync,
) -> Result<Page<T>, QueryError>
where
    T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let order = list.order(request.sort.as_deref())?;
    let mut count = QueryBuilder::new("select count(*) from (select 1 from ");
    count.push(list.from).push(" where true");
    filter(&mut count);
    count.push(" limit ").push_bind(TOTAL_EXACT_MAX + 1).push(") counted");
    let total: i64 = count.build_query_scalar().fetch_one(db).await?;

    let mut rows =
        rows_query(list, &order, request, filter)?.build().fetch_all(db).await.map_err(cursor_error)?;
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last().filter(|_| more) {
        Some(row) => {
            let cursor =
                Cursor { sort: order.name, key: row.try_get("cursor_key")?, tie: row.try_get("cursor_tie")? };
            Some(cursor.encode()?)
        }
        None => None,
    };
    let items = rows.iter().map(T::from_row).collect::<Result<_, _>>()?;
    let total_is_estimate = total > TOTAL_EXACT_MAX;
    Ok(Page { items, next_cursor, total: total.min(TOTAL_EXACT_MAX).unsigned_abs(), total_is_estimate })
}

fn rows_query<'a>(
    list: &List,
    order: &Order,
    request: &PageRequest,
    filter: impl Fn(&mut QueryBuilder<'a, Postgres>),
) -> Result<QueryBuilder<'a, Postgres>, QueryError> {
    let (tie, tie_type) = list.tie;
    let (key, direction) = (order.expression, if order.descending { "desc" } else { "asc" });
    let mut query = QueryBuilder::new("select ");
    query
        .push(list.columns)
        .push(format!(", ({key})::text as cursor_key, ({tie})::text as cursor_tie from "));
    query.push(list.from).push(" where true");
    filter(&mut query);
    let mut offset = 0;
    match &request.place {
        Place::Offset(rows) => offset = *rows,
        Place::After(cursor) if cursor.sort == order.name => {
            query.push(format!(" and ({key}, {tie}) {} (", if order.descending { "<" } else { ">" }));
            query.push_bind(cursor.key.clone()).push(format!("::text::{}, ", order.kind));
            query.push_bind(cursor.tie.clone()).push(format!("::text::{tie_type})"));
        }
        Place::After(_) => return Err(QueryError::Wrong(Cursor::wrong())),
    }
    query.push(format!(" order by {key} {direction}, {tie} {direction} limit "));
    query.push_bind(i64::from(request.limit) + 1).push(" offset ").push_bind(i64::from(offset));
    Ok(query)
}

/// A cursor somebody made up does not parse as the type of its key.
fn cursor_error(error: sqlx::Error) -> QueryError {
    let malformed =
        error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code.starts_with("22"));
    if malformed { QueryError::Wrong(Cursor::wrong()) } else { error.into() }
}
