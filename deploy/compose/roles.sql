-- What an administrator makes once: logins that own nothing, one that owns the schemas, two databases. psql reads each password from its file.
\set etl_owner `cat /keys/etl_owner`
\set etl_relay `cat /keys/etl_relay`
\set orchestrator `cat /keys/orchestrator`
\set worker `cat /keys/worker`
\set dag_generator `cat /keys/dag_generator`
\set monitor `cat /keys/monitor`
\set warehouse `cat /keys/warehouse`
CREATE ROLE etl_owner LOGIN PASSWORD :'etl_owner';
CREATE ROLE etl_relay LOGIN PASSWORD :'etl_relay';
CREATE ROLE orchestrator LOGIN PASSWORD :'orchestrator';
CREATE ROLE worker LOGIN PASSWORD :'worker';
CREATE ROLE dag_generator LOGIN PASSWORD :'dag_generator';
CREATE ROLE monitor LOGIN PASSWORD :'monitor';
CREATE ROLE warehouse LOGIN PASSWORD :'warehouse';
CREATE DATABASE agent_etl OWNER etl_owner;
CREATE DATABASE warehouse OWNER warehouse;
