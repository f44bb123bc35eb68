-- Two tables in memory: inserts, indexes, joins, groups, windows, text.
.bail on
create table item(id integer primary key, shelf integer, name text, price real);
create table sale(id integer primary key, item integer, day integer, count integer);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into item select i, i * 7919 % 211, printf('item-%06x', i * 2654435761 % 16777216), i * 37 % 1000 / 8.0 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
  insert into sale select i, i * 40503 % 20000 + 1, i * 13 % 365, i % 5 + 1 from n;
commit;
create index item_shelf on item(shelf, name);
create index sale_item on sale(item);
select shelf, count(*), round(sum(price * count), 3) from item join sale on sale.item = item.id
  group by shelf having count(*) > 280 order by 3 desc limit 20;
select day, sum(count) over (order by day rows 30 preceding) from (select day, sum(count) count from sale group by day)
  where day % 20 = 0;
select count(*), max(name), min(upper(substr(name, 6))) from item where name like '%a_f%' or name glob '*0[0-7]d*';
update item set price = price * 1.125 where shelf in (select shelf from item group by shelf having avg(price) < 62);
select round(sum(price), 3), count(distinct name) from item;
delete from sale where item in (select id from item where shelf % 3 = 0);
select count(*), sum(item * count) from sale;
