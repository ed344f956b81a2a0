-- name: revenue by month
select date_trunc('month', ordered_at) as month, sum(total) as revenue, count(*) as orders from shop.orders where status = 'paid' group by 1 order by 1
-- name: revenue by month and channel, two places
select date_trunc('month', o.ordered_at)::date as month, o.channel, round(sum(o.total), 2) as revenue from shop.orders o group by 1, 2 order by 1 desc, 2
-- name: top ten customers
select c.id, c.name, sum(o.total) as spent from shop.customers c join shop.orders o on o.customer_id = c.id where o.status in ('paid', 'shipped') group by c.id, c.name order by spent desc limit 10
-- name: customers without an order
select c.* from shop.customers c left join shop.orders o on o.customer_id = c.id where o.id is null
-- name: average order value per country
select country, avg(total) as aov, count(distinct o.id) as n from shop.orders o inner join shop.customers c on c.id = o.customer_id group by country having count(distinct o.id) >= 20 order by aov desc nulls last
-- name: month over month
with monthly as (select date_trunc('month', ordered_at) as m, sum(total) as revenue from shop.orders group by 1) select m, revenue, lag(revenue) over (order by m) as previous, round(100.0 * (revenue - lag(revenue) over (order by m)) / nullif(lag(revenue) over (order by m), 0), 1) as change_pct from monthly order by m
-- name: running total
select ordered_at::date as day, sum(total) as revenue, sum(sum(total)) over (order by ordered_at::date) as running from shop.orders group by ordered_at::date order by day
-- name: seven day average
select day, revenue, avg(revenue) over (order by day rows between 6 preceding and current row) as week_avg from (select cast(ordered_at as date) as day, sum(total) as revenue from shop.orders group by cast(ordered_at as date)) d order by day
-- name: latest order of each customer
select distinct on (customer_id) customer_id, id, ordered_at, total from shop.orders order by customer_id, ordered_at desc
-- name: latest order by row number
select * from (select o.*, row_number() over (partition by customer_id order by ordered_at desc) as rn from shop.orders o) t where rn = 1
-- name: latest order by qualify [duckdb]
select customer_id, id, total from shop.orders qualify row_number() over (partition by customer_id order by ordered_at desc) = 1
-- name: first and last order
select customer_id, min(ordered_at) as first_order, max(ordered_at) as last_order, max(ordered_at)::date - min(ordered_at)::date as lifetime_days from shop.orders group by customer_id
-- name: repeat rate
select count(*) filter (where n > 1) * 1.0 / count(*) as repeat_rate from (select customer_id, count(*) as n from shop.orders group by customer_id) x
-- name: basket size
select avg(items) as items, avg(amount) as amount from (select order_id, sum(quantity) as items, sum(quantity * unit_price) as amount from shop.order_items group by order_id) b
-- name: margin by category
select p.category, sum(i.quantity * (i.unit_price - p.cost)) as margin, sum(i.quantity * i.unit_price) as revenue, sum(i.quantity * (i.unit_price - p.cost)) / nullif(sum(i.quantity * i.unit_price), 0) as rate from shop.order_items i join shop.products p on p.id = i.product_id group by p.category order by margin desc
-- name: best seller of each category
with sold as (select p.category, p.name, sum(i.quantity) as units, rank() over (partition by p.category order by sum(i.quantity) desc) as place from shop.order_items i join shop.products p on i.product_id = p.id group by p.category, p.name) select category, name, units from sold where place <= 3 order by category, place, name
-- name: products that never sold
select sku, name from shop.products p where not exists (select 1 from shop.order_items i where i.product_id = p.id) and not discontinued
-- name: pareto of customers
with spent as (select customer_id, sum(total) as s from shop.orders group by customer_id), ranked as (select customer_id, s, sum(s) over (order by s desc rows between unbounded preceding and current row) as cum, sum(s) over () as total from spent) select count(*) as customers, max(cum / total) as share from ranked where cum <= 0.8 * total
-- name: deciles of spend
select decile, min(s), max(s), avg(s) from (select customer_id, sum(total) as s, ntile(10) over (order by sum(total)) as decile from shop.orders group by customer_id) t group by decile order by decile
-- name: recency frequency and money
with base as (select customer_id, max(ordered_at)::date as last_day, count(*) as frequency, sum(total) as monetary from shop.orders group by customer_id) select customer_id, current_date - last_day as recency, frequency, monetary, ntile(5) over (order by last_day) as r, ntile(5) over (order by frequency) as f, ntile(5) over (order by monetary) as m from base
-- name: cohorts by month of first order
with firsts as (select customer_id, date_trunc('month', min(ordered_at)) as cohort from shop.orders group by customer_id) select f.cohort, (extract(year from o.ordered_at) - extract(year from f.cohort)) * 12 + extract(month from o.ordered_at) - extract(month from f.cohort) as age, count(distinct o.customer_id) as active from shop.orders o join firsts f using (customer_id) group by 1, 2 order by 1, 2
-- name: orders of the last thirty days
select count(*), sum(total) from shop.orders where ordered_at >= now() - interval '30 days'
-- name: orders of yesterday
select * from shop.orders where ordered_at >= current_date - interval '1 day' and ordered_at < current_date
-- name: this year against last
select sum(case when extract(year from ordered_at) = extract(year from current_date) then total end) as this_year, sum(case when extract(year from ordered_at) = extract(year from current_date) - 1 then total end) as last_year from shop.orders
-- name: by weekday
select extract(isodow from ordered_at) as weekday, count(*) from shop.orders group by extract(isodow from ordered_at) order by weekday
-- name: by weekday from Sunday
select extract(dow from ordered_at) as dow, avg(total) from shop.orders group by 1 order by 1
-- name: by hour
select extract(hour from ordered_at) as hour, count(*) as n, round(avg(total), 2) as mean from shop.orders group by 1
-- name: by text of the month
select to_char(ordered_at, 'YYYY-MM') as month, sum(total) from shop.orders group by to_char(ordered_at, 'YYYY-MM') order by 1
-- name: by quarter text [duckdb]
select strftime(ordered_at, '%Y-%m') as month, quarter(ordered_at) as q, sum(total) from shop.orders group by all order by month
-- name: by text of the month [spark]
select date_format(ordered_at, 'yyyy-MM') as month, sum(total) as revenue from shop.orders group by date_format(ordered_at, 'yyyy-MM')
-- name: currency pivot by case
select ordered_at::date as day, sum(case when currency = 'EUR' then total else 0 end) as eur, sum(case when currency = 'USD' then total else 0 end) as usd, sum(case when currency not in ('EUR', 'USD') then total else 0 end) as other from shop.orders group by 1
-- name: currency pivot by filter
select channel, count(*) filter (where status = 'paid') as paid, count(*) filter (where status = 'cancelled') as cancelled, sum(total) filter (where status = 'paid') as revenue from shop.orders group by channel
-- name: conversion of currencies
select o.id, o.total, o.currency, r.rate, round(o.total * r.rate, 2) as eur from shop.orders o left join finance.rates r on r.currency = o.currency and r.day = o.ordered_at::date
-- name: discount bands
select case when discount = 0 then 'none' when discount < 10 then 'small' when discount < 50 then 'medium' else 'large' end as band, count(*) as n, sum(discount) as given from shop.orders group by 1 order by 2 desc
-- name: coupon use
select coalesce(coupon_code, 'none') as coupon, count(*) as n, avg(discount) as mean from shop.orders group by coalesce(coupon_code, 'none') order by n desc limit 20
-- name: late shipments
select id, ordered_at, shipped_at, extract(epoch from shipped_at - ordered_at) / 3600 as hours from shop.orders where shipped_at > ordered_at + interval '3 days'
-- name: share shipped in a day
select avg(case when shipped_at <= ordered_at + interval '24 hours' then 1.0 else 0.0 end) as in_a_day from shop.orders where shipped_at is not null
-- name: payments that do not match
select o.id, o.total, coalesce(sum(p.amount), 0) as paid, o.total - coalesce(sum(p.amount), 0) as missing from shop.orders o left join shop.payments p on p.order_id = o.id and p.status = 'captured' group by o.id, o.total having o.total <> coalesce(sum(p.amount), 0)
-- name: refund rate by reason
select r.reason, count(*) as n, sum(r.amount) as amount, 100.0 * sum(r.amount) / (select sum(total) from shop.orders) as pct from shop.refunds r group by r.reason order by amount desc
-- name: net revenue
select o.channel, sum(o.total) - coalesce(sum(r.amount), 0) as net from shop.orders o left join (select order_id, sum(amount) as amount from shop.refunds group by order_id) r on r.order_id = o.id group by o.channel
-- name: basket pairs
select a.product_id as product, b.product_id as bought_with, count(*) as together from shop.order_items a join shop.order_items b on a.order_id = b.order_id and a.product_id < b.product_id group by a.product_id, b.product_id having count(*) > 5 order by together desc limit 50
-- name: customers of both channels
select customer_id from shop.orders where channel = 'web' intersect select customer_id from shop.orders where channel = 'store' order by customer_id
-- name: customers of web only
select customer_id from shop.orders where channel = 'web' except select customer_id from shop.orders where channel = 'store'
-- name: stacked metrics
select 'orders' as metric, count(*)::numeric as value from shop.orders union all select 'customers', count(*)::numeric from shop.customers union all select 'revenue', sum(total) from shop.orders
-- name: duplicated mails
select lower(email) as mail, count(*) as n, min(id) as keep from shop.customers group by lower(email) having count(*) > 1 order by n desc, mail
-- name: domains of mails
select split_part(email, '@', 2) as domain, count(*) from shop.customers where email is not null group by 1 order by 2 desc limit 15
-- name: initials
select upper(left(name, 1)) as initial, count(*) as n from shop.customers group by upper(left(name, 1)) order by initial
-- name: names that hold a word
select id, name from shop.customers where name ilike '%smith%' or email like '%\_smith@%' order by name
-- name: padded codes
select lpad(id::text, 8, '0') as code, trim(name) as name, length(trim(name)) as len from shop.customers where length(name) <> length(trim(name))
-- name: joined names
select id, name || ' (' || country || ')' as label, concat(city, ', ', country) as place from shop.customers
-- name: masked mails
select id, substring(email, 1, 2) || '***' || substring(email from position('@' in email)) as masked from shop.customers
-- name: ages
select id, extract(year from current_date) - extract(year from birth_date) as age from shop.customers where birth_date is not null and birth_date < date '2010-01-01'
-- name: age bands
select case when age < 18 then 'minor' when age between 18 and 34 then 'young' when age between 35 and 64 then 'middle' else 'senior' end as band, count(*) from (select extract(year from current_date) - extract(year from birth_date) as age from shop.customers where birth_date is not null) a group by band
-- name: birthdays of this month
select name, birth_date from shop.customers where extract(month from birth_date) = extract(month from current_date) order by extract(day from birth_date), name
-- name: signups by week
select date_trunc('week', signup_date)::date as week, count(*) as signups, sum(count(*)) over (order by date_trunc('week', signup_date)::date) as cumulative from shop.customers group by date_trunc('week', signup_date)::date order by week
-- name: referrals
select r.name as referrer, count(c.id) as referred, sum(case when exists (select 1 from shop.orders o where o.customer_id = c.id) then 1 else 0 end) as bought from shop.customers c join shop.customers r on c.referrer_id = r.id group by r.name order by referred desc
-- name: two levels of referral
select a.id, b.id as parent, c.id as grandparent from shop.customers a left join shop.customers b on b.id = a.referrer_id left join shop.customers c on c.id = b.referrer_id where a.is_active
-- name: inactive for half a year
select c.id, c.email from shop.customers c where c.is_active and not exists (select 1 from shop.orders o where o.customer_id = c.id and o.ordered_at > current_date - interval '6 months')
-- name: median order
select percentile_cont(0.5) within group (order by total) as median, percentile_cont(0.9) within group (order by total) as p90, percentile_disc(0.5) within group (order by total) as actual from shop.orders
-- name: median per channel [duckdb]
select channel, median(total) as median, quantile_cont(total, 0.95) as p95 from shop.orders group by channel
-- name: outliers by deviation
select o.id, o.total from shop.orders o cross join (select avg(total) as mean, stddev(total) as sd from shop.orders) s where abs(o.total - s.mean) > 3 * s.sd
-- name: z scores
select id, (total - avg(total) over ()) / nullif(stddev_samp(total) over (), 0) as z from shop.orders
-- name: gaps between orders
select customer_id, ordered_at, ordered_at::date - lag(ordered_at::date) over (partition by customer_id order by ordered_at) as days_since from shop.orders order by customer_id, ordered_at
-- name: mean days between orders
with gaps as (select customer_id, ordered_at::date - lag(ordered_at::date) over (partition by customer_id order by ordered_at) as gap from shop.orders) select customer_id, avg(gap) as mean_gap, max(gap) as longest from gaps where gap is not null group by customer_id having count(*) >= 3
-- name: days in a row
with days as (select distinct customer_id, ordered_at::date as d from shop.orders), islands as (select customer_id, d, d - cast(row_number() over (partition by customer_id order by d) as integer) as grp from days) select customer_id, min(d) as from_day, max(d) as to_day, count(*) as days from islands group by customer_id, grp having count(*) > 2
-- name: stock below the level
select p.sku, s.name as store, i.quantity, i.reorder_level, i.reorder_level - i.quantity as missing from shop.inventory i join shop.products p on p.id = i.product_id join shop.stores s on s.id = i.store_id where i.quantity < i.reorder_level order by missing desc
-- name: stock value
select s.region, sum(i.quantity * p.cost) as value, sum(i.quantity) as units from shop.inventory i, shop.products p, shop.stores s where p.id = i.product_id and s.id = i.store_id group by rollup (s.region) order by s.region nulls last
-- name: days of cover
with sold as (select product_id, sum(quantity) / 30.0 as per_day from shop.order_items i join shop.orders o on o.id = i.order_id where o.ordered_at >= current_date - 30 group by product_id) select p.sku, sum(v.quantity) as stock, s.per_day, round(sum(v.quantity) / nullif(s.per_day, 0), 1) as days_of_cover from shop.products p join shop.inventory v on v.product_id = p.id left join sold s on s.product_id = p.id group by p.sku, s.per_day
-- name: sales per square meter
select s.name, sum(o.total) / s.square_meters as per_meter from shop.stores s join shop.orders o on o.store_id = s.id where s.square_meters > 0 group by s.name, s.square_meters order by per_meter desc
-- name: new against returning
select date_trunc('month', o.ordered_at) as month, sum(case when o.ordered_at = f.first_at then o.total else 0 end) as new_revenue, sum(case when o.ordered_at > f.first_at then o.total else 0 end) as returning_revenue from shop.orders o join (select customer_id, min(ordered_at) as first_at from shop.orders group by customer_id) f on f.customer_id = o.customer_id group by 1
-- name: largest gap of prices
select category, max(price) - min(price) as spread, max(price) as dearest, min(price) as cheapest, max_by(name, price) as dearest_name from shop.products group by category
-- name: dearest of each category [duckdb]
select category, arg_max(name, price) as dearest, arg_min(name, price) as cheapest from shop.products group by category
-- name: list of names per category
select category, string_agg(name, ', ' order by name) as names, count(*) from shop.products where not discontinued group by category
-- name: distinct list
select country, string_agg(distinct segment, '; ') as segments from shop.customers group by country
-- name: price changes in percent
select sku, price, round(price * 1.05, 2) as raised, round(price * (1 - 0.1), 2) as reduced from shop.products where category in (select category from shop.products group by category having avg(price) > 100)
-- name: above the category's mean
select p.sku, p.price, c.mean from shop.products p join (select category, avg(price) as mean from shop.products group by category) c on c.category = p.category where p.price > c.mean
-- name: above the mean, correlated
select sku, price from shop.products p where price > (select avg(price) from shop.products q where q.category = p.category) order by price desc
-- name: quarter of launch
select extract(year from launched_on) as y, extract(quarter from launched_on) as q, count(*) from shop.products group by 1, 2 order by 1, 2
-- name: tags that hold
select sku from shop.products where tags like '%eco%' and position('vegan' in tags) > 0
-- name: products by length of sku
select length(sku) as len, count(*), min(sku), max(sku) from shop.products group by length(sku)
-- name: order lines with numbers
select order_id, line_no, row_number() over (partition by order_id order by line_no) as expected, line_no - row_number() over (partition by order_id order by line_no) as shift from shop.order_items
-- name: rank of stores in region
select region, name, revenue, rank() over (partition by region order by revenue desc) as r, dense_rank() over (order by revenue desc) as overall, percent_rank() over (order by revenue) as pr, cume_dist() over (order by revenue) as cd from (select s.region, s.name, sum(o.total) as revenue from shop.stores s join shop.orders o on o.store_id = s.id group by s.region, s.name) t
-- name: first and last of the day
select distinct ordered_at::date as day, first_value(id) over (partition by ordered_at::date order by ordered_at) as first_id, last_value(id) over (partition by ordered_at::date order by ordered_at rows between unbounded preceding and unbounded following) as last_id from shop.orders
-- name: second order
select customer_id, nth_value(total, 2) over (partition by customer_id order by ordered_at rows between unbounded preceding and unbounded following) as second_total from shop.orders
-- name: named window
select id, total, sum(total) over w as running, count(*) over w as n from shop.orders window w as (partition by customer_id order by ordered_at)
-- name: rolled up by region and store
select coalesce(s.region, 'all') as region, coalesce(s.name, 'all') as store, sum(o.total) as revenue from shop.stores s join shop.orders o on o.store_id = s.id group by rollup (s.region, s.name) order by 1, 2
-- name: grouping told
select case when grouping(s.region) = 1 then 'total' else s.region end as region, sum(o.total) as revenue from shop.stores s join shop.orders o on o.store_id = s.id group by rollup (s.region)
-- name: cube of channel and currency
select channel, currency, sum(total) from shop.orders group by cube (channel, currency)
-- name: values as a table
select v.code, v.label, count(o.id) from (values ('paid', 'Paid'), ('open', 'Open'), ('cancelled', 'Cancelled')) as v(code, label) left join shop.orders o on o.status = v.code group by v.code, v.label
-- name: nothing twice
select distinct country, city from shop.customers where country is not null order by country, city
-- name: page of a list
select id, name from shop.customers order by name, id limit 25 offset 50
-- name: in a list of numbers
select * from shop.orders where id in (1, 2, 3, 5, 8, 13) or customer_id between 100 and 200
-- name: not in a list
select count(*) from shop.customers where segment not in ('vip', 'test') and segment is not null
-- name: orders above their customer's mean
select o.id from shop.orders o where o.total > 2 * (select avg(x.total) from shop.orders x where x.customer_id = o.customer_id)
-- name: null-safe comparison
select a.id from shop.customers a join shop.customers b on a.id = b.referrer_id where a.city is distinct from b.city
-- name: natural order of joins
select o.id, c.name, s.name as store, p.method from shop.orders o join shop.customers c on c.id = o.customer_id left join shop.stores s on s.id = o.store_id left join shop.payments p on p.order_id = o.id where o.ordered_at between timestamp '2024-01-01 00:00:00' and timestamp '2024-12-31 23:59:59'
-- name: using
select order_id, sum(amount) from shop.payments join shop.refunds using (order_id, amount) group by order_id
-- name: full join of two sums
select coalesce(a.day, b.day) as day, coalesce(a.paid, 0) as paid, coalesce(b.refunded, 0) as refunded from (select paid_at::date as day, sum(amount) as paid from shop.payments group by 1) a full join (select refunded_at::date as day, sum(amount) as refunded from shop.refunds group by 1) b on a.day = b.day order by 1
-- name: days without orders [duckdb]
select c.signup_date + 1 as next_day, c.signup_date - 7 as week_before, date_diff('day', c.signup_date, current_date) as age from shop.customers c
-- name: months as a customer [duckdb]
select id, date_diff('month', signup_date, current_date) as months, date_diff('year', signup_date, current_date) as years from shop.customers
-- name: everything but one column [duckdb]
select * exclude (email, birth_date) from shop.customers
-- name: replaced column [duckdb]
select * replace (lower(email) as email) from shop.customers where is_active
-- name: alias in where [duckdb]
select total - discount as net, net * 0.2 as tax from shop.orders where net > 100
-- name: from first [duckdb]
from shop.stores select region, count(*) group by region
-- name: group by all [duckdb]
select country, segment, count(*) as n, avg(score) as score from shop.customers group by all order by n desc
-- name: semi join [duckdb]
select c.id, c.name from shop.customers c semi join shop.orders o on o.customer_id = c.id
-- name: anti join [duckdb]
select c.id from shop.customers c anti join shop.orders o on (o.customer_id = c.id and o.status = 'paid')
-- name: left semi [spark]
select c.id, c.name from shop.customers c left semi join shop.orders o on o.customer_id = c.id
-- name: quoted names [spark]
select `id` as `customer id`, nvl(`city`, 'unknown') as city from shop.customers where `is_active` = true
-- name: dates of spark [spark]
select id, datediff(current_date(), signup_date) as days, date_add(signup_date, 30) as trial_end, add_months(signup_date, 12) as anniversary, last_day(signup_date) as month_end from shop.customers
-- name: conditional sums of spark [spark]
select if(total > 100, 'big', 'small') as size, count_if(status = 'paid') as paid, max_by(id, total) as biggest from shop.orders group by if(total > 100, 'big', 'small')
-- name: cast and try
select cast(coupon_code as integer) as n from shop.orders where coupon_code like '1%'
-- name: try of duckdb [duckdb]
select try_cast(coupon_code as integer) as n, count(*) from shop.orders group by 1
-- name: integer division of postgres
select quantity / 12 as dozens, quantity % 12 as rest, quantity / 12.0 as exact from shop.order_items
-- name: greatest and least
select id, greatest(total - discount, 0) as net, least(discount, total) as used from shop.orders
-- name: power and logs
select product_id, ln(sum(quantity) + 1) as log_units, sqrt(sum(quantity)) as root, power(avg(unit_price), 2) as square, exp(1) as e from shop.order_items group by product_id
-- name: floor to tens
select floor(total / 10) * 10 as bucket, count(*) from shop.orders group by floor(total / 10) * 10 order by 1
-- name: width of bands
select case when price < 10 then '0-10' when price < 100 then '10-100' else '100+' end as band, category, count(*) as n, round(avg(price), 2) as mean from shop.products group by 1, 2 having count(*) > 1
-- name: units per month and category, two years
select to_char(o.ordered_at, 'YYYY-MM') as month, p.category, sum(i.quantity) as units, sum(i.quantity * i.unit_price - i.discount) as revenue from shop.orders o join shop.order_items i on i.order_id = o.id join shop.products p on p.id = i.product_id where o.ordered_at >= date_trunc('year', current_date) - interval '1 year' and o.status <> 'cancelled' group by 1, 2 order by 1, 2
-- name: methods of payment by country
select c.country, p.method, count(*) as n, round(100.0 * count(*) / sum(count(*)) over (partition by c.country), 1) as pct from shop.payments p join shop.orders o on o.id = p.order_id join shop.customers c on c.id = o.customer_id group by c.country, p.method order by c.country, n desc
-- name: stores opened before their first order
select s.name, s.opened_on, min(o.ordered_at)::date as first_order, min(o.ordered_at)::date - s.opened_on as days from shop.stores s left join shop.orders o on o.store_id = s.id group by s.name, s.opened_on having min(o.ordered_at)::date >= s.opened_on
-- name: credit used
select segment, count(*) as n, sum(credit) as credit, max(credit) as most, avg(coalesce(credit, 0)) as mean from shop.customers where segment is not null group by segment
