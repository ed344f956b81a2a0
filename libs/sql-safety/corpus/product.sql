-- name: daily active users
select occurred_at::date as day, count(distinct user_id) as dau from web.events where user_id is not null group by 1 order by 1
-- name: monthly active users by plan
select date_trunc('month', e.occurred_at) as month, u.plan, count(distinct e.user_id) as mau from web.events e join web.users u on u.id = e.user_id where not u.is_test group by 1, 2 order by 1, 2
-- name: stickiness
with d as (select occurred_at::date as day, count(distinct user_id) as dau from web.events group by 1), m as (select date_trunc('month', occurred_at)::date as month, count(distinct user_id) as mau from web.events group by 1) select m.month, avg(d.dau) / m.mau as stickiness from d join m on date_trunc('month', d.day)::date = m.month group by m.month, m.mau order by m.month
-- name: funnel in order
with steps as (select user_id, min(case when event_type = 'view' then occurred_at end) as viewed, min(case when event_type = 'cart' then occurred_at end) as carted, min(case when event_type = 'buy' then occurred_at end) as bought from web.events group by user_id) select count(viewed) as viewed, count(case when carted > viewed then 1 end) as carted, count(case when bought > carted and carted > viewed then 1 end) as bought from steps
-- name: funnel rates
select count(*) filter (where event_type = 'view') as views, count(*) filter (where event_type = 'buy') as buys, round(100.0 * count(*) filter (where event_type = 'buy') / nullif(count(*) filter (where event_type = 'view'), 0), 2) as pct from web.events where occurred_at >= current_date - 7
-- name: first touch
select utm_source, count(*) as users from (select user_id, utm_source, row_number() over (partition by user_id order by occurred_at) as rn from web.events) t where rn = 1 group by utm_source order by users desc
-- name: sessions by gap
with marked as (select user_id, occurred_at, case when occurred_at - interval '30 minutes' > lag(occurred_at) over (partition by user_id order by occurred_at) then 1 else 0 end as is_new from web.events), numbered as (select user_id, occurred_at, sum(is_new) over (partition by user_id order by occurred_at rows unbounded preceding) as session_no from marked) select user_id, session_no, min(occurred_at) as began, max(occurred_at) as ended, count(*) as events from numbered group by user_id, session_no
-- name: session length
select device, avg(extract(epoch from (ended_at - started_at)) / 60) as minutes, count(*) from web.sessions where ended_at is not null group by device
-- name: bounce rate
select landing_page, avg(case when n = 1 then 1.0 else 0 end) as bounce_rate from web.sessions s join (select session_id, count(*) as n from web.events group by session_id) e on e.session_id = s.session_id group by landing_page having count(*) > 100 order by bounce_rate desc
-- name: retention on the first, seventh and thirtieth day
with cohort as (select id, created_at::date as day0 from web.users), activity as (select distinct user_id, occurred_at::date as day from web.events) select c.day0, count(distinct c.id) as size, count(distinct case when a.day = c.day0 + 1 then c.id end) as d1, count(distinct case when a.day = c.day0 + 7 then c.id end) as d7, count(distinct case when a.day = c.day0 + 30 then c.id end) as d30 from cohort c left join activity a on a.user_id = c.id group by c.day0 order by c.day0
-- name: result of an experiment
select x.variant, count(distinct x.user_id) as users, count(distinct o.user_id) as converted, count(distinct o.user_id) * 1.0 / count(distinct x.user_id) as rate from web.experiments x left join web.events o on o.user_id = x.user_id and o.event_type = 'buy' and o.occurred_at >= x.assigned_at where x.experiment = 'checkout-button' group by x.variant
-- name: users of two variants
select user_id, experiment, count(distinct variant) as variants from web.experiments group by user_id, experiment having count(distinct variant) > 1
-- name: pages and the next page
select page, next_page, count(*) as n from (select page, lead(page) over (partition by session_id order by occurred_at) as next_page from web.events where event_type = 'view') t where next_page is not null and page <> next_page group by page, next_page order by n desc limit 20
-- name: exit pages
select page, count(*) as exits from (select page, row_number() over (partition by session_id order by occurred_at desc) as back from web.events) t where back = 1 group by page order by exits desc
-- name: slow pages
select page, count(*) as n, avg(duration_ms) as mean, percentile_cont(0.95) within group (order by duration_ms) as p95, max(duration_ms) from web.events where duration_ms > 0 group by page having count(*) > 50 order by p95 desc
-- name: device shares
select device, count(*) as n, round(count(*) * 100.0 / sum(count(*)) over (), 1) as pct from web.events group by device order by n desc
-- name: campaigns
select coalesce(nullif(utm_campaign, ''), '(none)') as campaign, count(distinct session_id) as sessions, count(distinct case when event_type = 'buy' then session_id end) as sales from web.events group by 1 order by 2 desc
-- name: users created and active in a week
select count(*) from web.users u where exists (select 1 from web.events e where e.user_id = u.id and e.occurred_at < u.created_at + interval '7 days')
-- name: domain of users without tests
select substring(email from position('@' in email) + 1) as domain, count(*) from web.users where is_test = false and email like '%@%' group by 1 order by 2 desc
-- name: hours of a day in two zones of the week
select case when extract(isodow from occurred_at) in (6, 7) then 'weekend' else 'weekday' end as part, extract(hour from occurred_at) as h, count(*) from web.events group by 1, 2 order by 1, 2
-- name: power users
select user_id, count(distinct occurred_at::date) as active_days from web.events where occurred_at >= date_trunc('month', current_date) group by user_id having count(distinct occurred_at::date) >= 20
-- name: dormant and back
with seen as (select user_id, occurred_at::date as d, lag(occurred_at::date) over (partition by user_id order by occurred_at) as before_d from web.events) select count(distinct user_id) from seen where d - before_d > 30
-- name: minutes between two events
select user_id, min(extract(epoch from (b.occurred_at - a.occurred_at))) / 60 as minutes from web.events a join web.events b using (user_id) where a.event_type = 'signup' and b.event_type = 'buy' and b.occurred_at > a.occurred_at group by user_id
-- name: path of events
select session_id, string_agg(event_type, ' > ' order by occurred_at) as path from web.events group by session_id
-- name: common paths
select path, count(*) as n from (select session_id, string_agg(event_type, '>' order by occurred_at) as path from web.events group by session_id) p group by path order by n desc limit 10
-- name: events of two kinds in one session
select distinct session_id from web.events a where a.event_type = 'search' and session_id in (select session_id from web.events b where b.event_type = 'error')
-- name: countries by quarter [duckdb]
select country, year(occurred_at) as y, quarter(occurred_at) as q, count(distinct user_id) as users from web.events group by all order by country, y, q
-- name: hours of duckdb [duckdb]
select hour(occurred_at) as h, minute(occurred_at) // 15 as quarter_hour, count(*) as n from web.events group by all
-- name: weeks of duckdb [duckdb]
select date_trunc('week', occurred_at) as week, weekofyear(occurred_at) as no, count(*) from web.events group by all order by week
-- name: mean of flags [spark]
select device, avg(case when event_type = 'buy' then 1 else 0 end) as rate, percentile_cont(0.5) within group (order by duration_ms) as median from web.events group by device
-- name: monthly recurring revenue
select date_trunc('month', current_date)::date as month, sum(mrr) as mrr, count(*) as subscriptions, sum(mrr) / count(distinct user_id) as arpu from billing.subscriptions where started_on <= current_date and (ended_on is null or ended_on > current_date)
-- name: revenue per month of a calendar
select m.month, sum(s.mrr) as mrr from (select distinct date_trunc('month', issued_on)::date as month from billing.invoices) m join billing.subscriptions s on s.started_on <= m.month and (s.ended_on is null or s.ended_on > m.month) group by m.month order by m.month
-- name: churn by month
with ended as (select date_trunc('month', ended_on) as month, count(*) as n, sum(mrr) as lost from billing.subscriptions where ended_on is not null group by 1), begun as (select date_trunc('month', started_on) as month, count(*) as n, sum(mrr) as won from billing.subscriptions group by 1) select coalesce(b.month, e.month) as month, coalesce(b.won, 0) - coalesce(e.lost, 0) as net_new, coalesce(e.n, 0) as churned from begun b full outer join ended e on e.month = b.month order by 1
-- name: churn by plan
select plan, count(*) as total, sum(case when ended_on is not null then 1 else 0 end) as ended, round(100.0 * sum(case when ended_on is not null then 1 else 0 end) / count(*), 2) as churn_pct from billing.subscriptions group by plan
-- name: upgrades
select a.user_id, a.plan as from_plan, b.plan as to_plan, b.mrr - a.mrr as gained from billing.subscriptions a join billing.subscriptions b on b.user_id = a.user_id and b.started_on = a.ended_on where b.mrr > a.mrr
-- name: lifetime of subscriptions
select plan, avg(coalesce(ended_on, current_date) - started_on) as days, min(started_on) as since from billing.subscriptions group by plan
-- name: overdue invoices
select id, amount, due_on, current_date - due_on as days_late, case when current_date - due_on <= 30 then '0-30' when current_date - due_on <= 60 then '31-60' when current_date - due_on <= 90 then '61-90' else '90+' end as age from billing.invoices where paid_on is null and due_on < current_date order by days_late desc
-- name: ageing
select case when current_date - due_on <= 0 then 'current' when current_date - due_on <= 30 then '1-30' else 'older' end as bucket, sum(amount) as amount, count(*) as n from billing.invoices where status = 'open' group by 1
-- name: days sales outstanding
select date_trunc('quarter', issued_on) as quarter, sum((paid_on - issued_on) * amount) / nullif(sum(amount), 0) as weighted_days from billing.invoices where paid_on is not null group by 1 order by 1
-- name: invoices against plan
select i.id, i.amount, s.mrr, i.amount - s.mrr as difference from billing.invoices i inner join billing.subscriptions s on s.id = i.subscription_id where abs(i.amount - s.mrr) > 0.005
-- name: share paid on time
select extract(year from issued_on) as year, avg(case when paid_on <= due_on then 1 else 0 end)::numeric(5,4) as on_time from billing.invoices group by 1
-- name: three months moving
select month, amount, avg(amount) over (order by month rows between 2 preceding and current row) as smooth, amount - lag(amount, 12) over (order by month) as yoy from (select date_trunc('month', issued_on) as month, sum(amount) as amount from billing.invoices group by 1) m
-- name: seats by size
select case when seats = 1 then 'single' when seats between 2 and 10 then 'team' else 'company' end as size, count(*), sum(seats), sum(mrr) / nullif(sum(seats), 0) as per_seat from billing.subscriptions where ended_on is null group by 1
-- name: first plan and present plan
select distinct user_id, first_value(plan) over (partition by user_id order by started_on) as first_plan, last_value(plan) over (partition by user_id order by started_on rows between unbounded preceding and unbounded following) as present_plan from billing.subscriptions
-- name: revenue by currency as lines
select currency, 'issued' as what, sum(amount) as amount from billing.invoices group by currency union all select currency, 'paid', sum(amount) from billing.invoices where paid_on is not null group by currency order by currency, what
-- name: overlapping subscriptions
select a.id, b.id as other from billing.subscriptions a, billing.subscriptions b where a.user_id = b.user_id and a.id < b.id and a.started_on < coalesce(b.ended_on, date '9999-12-31') and b.started_on < coalesce(a.ended_on, date '9999-12-31')
