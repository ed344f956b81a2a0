-- name: salaries by department
select d.name, count(e.id) as people, avg(e.salary) as mean, min(e.salary), max(e.salary), sum(e.salary) from hr.departments d left join hr.employees e on e.department_id = d.id and e.left_on is null group by d.name order by d.name
-- name: above their manager
select e.name, e.salary, m.name as manager, m.salary as manager_salary from hr.employees e join hr.employees m on m.id = e.manager_id where e.salary > m.salary
-- name: third highest salary
select distinct salary from hr.employees order by salary desc limit 1 offset 2
-- name: top paid of each department
select department_id, name, salary from (select department_id, name, salary, dense_rank() over (partition by department_id order by salary desc) as r from hr.employees) t where r <= 3
-- name: departments over budget
select d.name, d.budget, sum(e.salary) as cost from hr.departments d join hr.employees e on e.department_id = d.id group by d.id, d.name, d.budget having sum(e.salary) > d.budget
-- name: tenure
select id, name, (coalesce(left_on, current_date) - hired_on) / 365.25 as years from hr.employees order by years desc
-- name: hired per year
select extract(year from hired_on) as year, count(*) as hired, count(left_on) as left_since from hr.employees group by extract(year from hired_on) order by year
-- name: headcount at month ends
select m.day, count(e.id) as headcount from (select distinct (date_trunc('month', hired_on) + interval '1 month' - interval '1 day')::date as day from hr.employees) m join hr.employees e on e.hired_on <= m.day and (e.left_on is null or e.left_on > m.day) group by m.day order by m.day
-- name: attrition
select d.name, round(100.0 * sum(case when e.left_on >= current_date - interval '1 year' then 1 else 0 end) / count(*), 1) as attrition from hr.employees e join hr.departments d on d.id = e.department_id group by d.name
-- name: pay by gender and title
select title, avg(salary) filter (where gender = 'f') as women, avg(salary) filter (where gender = 'm') as men, avg(salary) filter (where gender = 'f') / nullif(avg(salary) filter (where gender = 'm'), 0) as ratio from hr.employees group by title having count(*) >= 5
-- name: difference from the mean
select name, salary, salary - avg(salary) over (partition by department_id) as difference, round((salary / avg(salary) over (partition by department_id) - 1) * 100, 1) as pct from hr.employees
-- name: managers and their teams
select m.name, count(*) as team, string_agg(e.name, ', ' order by e.name) as members from hr.employees e join hr.employees m on m.id = e.manager_id group by m.id, m.name having count(*) > 3
-- name: without a manager
select name from hr.employees where manager_id is null or manager_id not in (select id from hr.employees)
-- name: absences in days
select e.name, sum(a.to_day - a.from_day + 1) as days from hr.absences a join hr.employees e on e.id = a.employee_id where a.kind = 'sick' and a.from_day >= date_trunc('year', current_date) group by e.name order by days desc
-- name: absences that overlap
select a.employee_id, a.from_day, b.from_day as other from hr.absences a join hr.absences b on a.employee_id = b.employee_id and a.from_day < b.from_day and a.to_day >= b.from_day
-- name: levels of pay
select ntile(4) over (order by salary) as quartile, name, salary from hr.employees where left_on is null
-- name: raised by rule
select name, salary, case when salary < 30000 then salary * 1.05 when salary < 60000 then salary * 1.03 else salary + 500 end as proposed from hr.employees
-- name: tickets by week and priority
select date_trunc('week', opened_at) as week, priority, count(*) from support.tickets group by 1, 2 order by 1, 2
-- name: time to close
select priority, avg(extract(epoch from (closed_at - opened_at)) / 3600) as hours, percentile_cont(0.9) within group (order by extract(epoch from (closed_at - opened_at)) / 3600) as p90 from support.tickets where closed_at is not null group by priority
-- name: backlog by day
select d.day, count(t.id) as open_tickets from (select distinct opened_at::date as day from support.tickets) d left join support.tickets t on t.opened_at::date <= d.day and (t.closed_at is null or t.closed_at::date > d.day) group by d.day order by d.day
-- name: first answer
select t.id, min(m.sent_at) - interval '0 days' as answered_at, min(extract(epoch from m.sent_at - t.opened_at)) / 60 as minutes from support.tickets t join support.messages m on m.ticket_id = t.id and m.author <> 'customer' group by t.id
-- name: breach of the promise
select assignee, count(*) as total, count(*) filter (where closed_at > opened_at + case when priority = 'high' then interval '4 hours' else interval '2 days' end) as late from support.tickets group by assignee
-- name: late by priority
select assignee, count(*) as total, sum(case when priority = 'high' and closed_at > opened_at + interval '4 hours' then 1 when closed_at > opened_at + interval '2 days' then 1 else 0 end) as late from support.tickets group by assignee order by late desc
-- name: satisfaction
select category, avg(satisfaction) as csat, count(satisfaction) as answers, sum(case when satisfaction >= 9 then 1 when satisfaction <= 6 then -1 else 0 end) * 100.0 / nullif(count(satisfaction), 0) as nps from support.tickets group by category order by csat
-- name: reopened customers
select customer_id, count(*) from support.tickets where opened_at > current_date - interval '90 days' group by customer_id having count(*) >= 3 order by count(*) desc
-- name: messages per ticket
select t.category, avg(coalesce(m.n, 0)) as messages from support.tickets t left join (select ticket_id, count(*) as n from support.messages group by ticket_id) m on m.ticket_id = t.id group by t.category
-- name: words in messages
select count(*) filter (where lower(body) like '%refund%') as refunds, count(*) filter (where body ilike '%cancel%') as cancellations, avg(length(body)) as characters from support.messages
-- name: last message of each ticket
select m.* from support.messages m join (select ticket_id, max(sent_at) as last_at from support.messages group by ticket_id) l on l.ticket_id = m.ticket_id and l.last_at = m.sent_at
-- name: waiting for us
select t.id from support.tickets t where t.status = 'open' and (select author from support.messages m where m.ticket_id = t.id order by sent_at desc limit 1) = 'customer'
-- name: paying customers with open tickets
select c.name, count(t.id) from shop.customers c join support.tickets t on t.customer_id = c.id where t.status <> 'closed' and c.id in (select customer_id from shop.orders group by customer_id having sum(total) > 1000) group by c.name
-- name: readings out of limits
select s.id, s.site, r.measured_at, r.value from iot.readings r join iot.sensors s on s.id = r.sensor_id where r.value not between s.lower_limit and s.upper_limit
-- name: hourly means
select sensor_id, date_trunc('hour', measured_at) as hour, avg(value) as mean, min(value) as low, max(value) as high, count(*) as n from iot.readings where quality = 'good' group by sensor_id, date_trunc('hour', measured_at)
-- name: silent sensors
select s.id, max(r.measured_at) as last_seen from iot.sensors s left join iot.readings r on r.sensor_id = s.id group by s.id having max(r.measured_at) is null or max(r.measured_at) < now() - interval '1 hour'
-- name: jumps
select sensor_id, measured_at, value, value - lag(value) over (partition by sensor_id order by measured_at) as step from iot.readings
-- name: gaps in readings
select sensor_id, measured_at, extract(epoch from measured_at - lag(measured_at) over (partition by sensor_id order by measured_at)) as seconds from iot.readings order by seconds desc nulls last limit 50
-- name: correlation of two sensors
select corr(a.value, b.value) as r, count(*) as n from iot.readings a join iot.readings b on a.measured_at = b.measured_at where a.sensor_id = 1 and b.sensor_id = 2
-- name: uptime
select site, avg(case when quality = 'good' then 1.0 else 0.0 end) as uptime from iot.readings r join iot.sensors s on s.id = r.sensor_id group by site
-- name: fifteen minutes
select sensor_id, date_trunc('hour', measured_at) as hour, extract(minute from measured_at) / 15 as quarter, avg(value) from iot.readings group by 1, 2, 3
-- name: variance and spread
select sensor_id, var_samp(value) as v, stddev_pop(value) as sd, max(value) - min(value) as spread from iot.readings group by sensor_id
-- name: delays by carrier
select carrier, count(*) as flights, avg(departure_delay) as mean, avg(case when arrival_delay > 15 then 1.0 else 0.0 end) as late from air.flights where not cancelled group by carrier order by mean desc
-- name: busiest routes
select least(origin, destination) as a, greatest(origin, destination) as b, count(*) as n, avg(distance) as distance from air.flights group by 1, 2 order by n desc limit 10
-- name: routes with names
select f.origin, o.city as from_city, f.destination, d.city as to_city, count(*) from air.flights f join air.airports o on o.code = f.origin join air.airports d on d.code = f.destination group by f.origin, o.city, f.destination, d.city
-- name: airports without flights
select code from air.airports except select origin from air.flights except select destination from air.flights
-- name: distance on the globe by a box
select a.code, b.code as near from air.airports a join air.airports b on a.code < b.code and abs(a.latitude - b.latitude) < 1 and abs(a.longitude - b.longitude) < 1
-- name: worst day of each month
select month, flight_date, mean from (select date_trunc('month', flight_date) as month, flight_date, avg(arrival_delay) as mean, row_number() over (partition by date_trunc('month', flight_date) order by avg(arrival_delay) desc) as r from air.flights group by flight_date) t where r = 1 order by month
-- name: cancelled by weekday
select to_char(flight_date, 'YYYY') as year, extract(isodow from flight_date) as weekday, sum(case when cancelled then 1 else 0 end) as cancelled, bool_or(cancelled) as some from air.flights group by 1, 2
-- name: delay in classes
select case when departure_delay is null then 'unknown' when departure_delay <= 0 then 'on time' when departure_delay <= 15 then 'a little' else 'late' end as class, count(*), round(avg(distance)) as distance from air.flights group by 1 order by 2 desc
-- name: balance of accounts
select a.id, a.owner, a.balance, sum(t.amount) as booked, a.balance - sum(t.amount) as difference from finance.accounts a join finance.transactions t on t.account_id = a.id group by a.id, a.owner, a.balance having a.balance <> sum(t.amount)
-- name: running balance
select account_id, booked_on, amount, sum(amount) over (partition by account_id order by booked_on, id rows between unbounded preceding and current row) as balance from finance.transactions
-- name: in and out
select date_trunc('month', booked_on) as month, sum(case when amount > 0 then amount else 0 end) as income, sum(case when amount < 0 then -amount else 0 end) as spending, sum(amount) as net from finance.transactions group by 1 order by 1
-- name: same amount twice in a week
select a.id, b.id as again, a.amount from finance.transactions a join finance.transactions b on a.account_id = b.account_id and a.amount = b.amount and a.counterparty = b.counterparty and a.id < b.id and b.booked_on - a.booked_on between 0 and 7
-- name: newest rate of each currency
select r.currency, r.rate, r.day from finance.rates r where r.day = (select max(day) from finance.rates x where x.currency = r.currency)
-- name: rate valid on the day
select t.id, t.amount, (select r.rate from finance.rates r where r.currency = a.currency and r.day <= t.booked_on order by r.day desc limit 1) as rate from finance.transactions t join finance.accounts a on a.id = t.account_id
-- name: counterparties by a word
select counterparty, count(*), sum(amount) from finance.transactions where lower(memo) like '%rent%' or memo is null group by counterparty order by sum(amount) limit 20
-- name: quarter to date
select sum(amount) from finance.transactions where booked_on >= date_trunc('quarter', current_date) and booked_on <= current_date
-- name: same quarter last year
select sum(case when booked_on >= date_trunc('quarter', current_date) then amount else 0 end) as present, sum(case when booked_on >= date_trunc('quarter', current_date) - interval '1 year' and booked_on < date_trunc('quarter', current_date) - interval '9 months' then amount else 0 end) as before_that from finance.transactions
-- name: round amounts
select kind, count(*) filter (where amount = round(amount, 0)) as whole, count(*) filter (where mod(cast(amount as integer), 100) = 0) as hundreds from finance.transactions group by kind
-- name: fiscal year
select case when extract(month from booked_on) >= 4 then extract(year from booked_on) else extract(year from booked_on) - 1 end as fiscal_year, sum(amount) from finance.transactions group by 1 order by 1
-- name: hashed owners
select md5(lower(trim(owner))) as owner_hash, count(*), sum(balance) from finance.accounts group by 1
-- name: nothing but constants
select 1 as one, 'a' as letter, true as yes, null as nothing, date '2024-02-29' as day, 1.5 as number
-- name: nested conditions
select id from finance.transactions where (amount > 100 and kind = 'card') or (amount > 1000 and not (kind = 'card' or counterparty is null)) or (booked_on < date '2020-01-01' and memo not like 'old%')
-- name: mean of the last three
select account_id, booked_on, avg(amount) over (partition by account_id order by booked_on rows between 3 preceding and 1 preceding) as before_three from finance.transactions
-- name: share of each kind
select kind, sum(amount) as amount, 100 * sum(amount) / sum(sum(amount)) over () as pct from finance.transactions group by kind
-- name: accounts older than a year in text
select owner, to_char(opened_on, 'DD.MM.YYYY') as opened, case when opened_on < current_date - interval '1 year' then 'old' else 'new' end as age from finance.accounts
-- name: months since opening [duckdb]
select owner, date_diff('month', opened_on, current_date) as months, last_day(opened_on) as month_end, dayofweek(opened_on) as dow from finance.accounts
-- name: rates of change [duckdb]
select currency, day, rate, rate / lag(rate) over (partition by currency order by day) - 1 as change from finance.rates qualify row_number() over (partition by currency order by day desc) <= 30
-- name: text work [duckdb]
select owner, upper(owner) as loud, replace(owner, ' ', '_') as slug, concat_ws('-', owner, currency) as joined, starts_with(owner, 'A') as a, contains(owner, 'Ltd') as company from finance.accounts
-- name: regular expression in postgres
select counterparty from finance.transactions where counterparty ~ '^[A-Z]{2}[0-9]+$'
-- name: series of days
select d::date as day from generate_series(date '2024-01-01', date '2024-12-31', interval '1 day') d
-- name: tree by recursion
with recursive team as (select id, name, manager_id, 1 as level from hr.employees where manager_id is null union all select e.id, e.name, e.manager_id, t.level + 1 from hr.employees e join team t on t.id = e.manager_id) select * from team
-- name: codes by pattern [duckdb]
select sku, regexp_matches(sku, '^[A-Z]{3}-[0-9]+$') as is_regular from shop.products where name ~ '[A-Z][a-z]+'
-- name: not by pattern
select count(*) from shop.customers where email !~ '^[a-z0-9._+-]+@[a-z0-9.-]+$'
-- name: share of valid postcodes
select country, avg(case when regexp_like(city, '^[0-9]{5} ') then 1.0 else 0 end) as with_code from shop.customers group by country
-- name: plans as a matrix
select country, count(*) filter (where plan = 'free') as free, count(*) filter (where plan = 'pro') as pro, count(*) filter (where plan not in ('free', 'pro')) as other, count(*) as total from web.users group by country having count(*) > 10 order by total desc
-- name: ranks of regions by quarter
select quarter, region, revenue, rank() over (partition by quarter order by revenue desc) as place from (select date_trunc('quarter', o.ordered_at) as quarter, s.region, sum(o.total) as revenue from shop.orders o join shop.stores s on s.id = o.store_id group by 1, 2) t order by quarter, place
-- name: carriers better than the mean
with means as (select carrier, avg(arrival_delay) as delay from air.flights where arrival_delay is not null group by carrier) select carrier, delay, delay - (select avg(delay) from means) as against_mean from means where delay < (select avg(delay) from means) order by delay
-- name: length of stay in departments
select department_id, percentile_cont(0.5) within group (order by coalesce(left_on, current_date) - hired_on) as median_days from hr.employees group by department_id
-- name: weekly revenue with gaps filled
select w.week, coalesce(sum(o.total), 0) as revenue from (select distinct date_trunc('week', started_at) as week from web.sessions) w left join shop.orders o on date_trunc('week', o.ordered_at) = w.week group by w.week order by w.week
-- name: first month of each plan
select plan, to_char(min(started_on), 'YYYY-MM') as first_month, count(*) as ever, sum(case when ended_on is null then 1 else 0 end) as now_active from billing.subscriptions group by plan
-- name: products of two lists
select sku, name, 'cheap' as why from shop.products where price < 5 union select sku, name, 'heavy' from shop.products where weight > 20 order by sku, why
-- name: order of shipping by store
select store_id, id, extract(epoch from shipped_at - ordered_at) / 86400 as days, rank() over (partition by store_id order by shipped_at - interval '1 day') as place from shop.orders where shipped_at is not null
-- name: invoices by half year
select extract(year from issued_on) as year, case when extract(month from issued_on) <= 6 then 'H1' else 'H2' end as half, sum(amount) as amount from billing.invoices group by 1, 2 order by 1, 2
-- name: anniversary of accounts
select owner, opened_on + interval '1 year' as first_anniversary, extract(day from opened_on) as day_of_month from finance.accounts where opened_on > date '2000-01-01' order by first_anniversary
