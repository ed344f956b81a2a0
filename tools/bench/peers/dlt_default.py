"""dlt's default way: rows of a table as Python objects, written again as INSERT statements. Addresses come as arguments."""
import sys

import dlt
from dlt.sources.sql_database import sql_database

source, target = sys.argv[1:3]
pipeline = dlt.pipeline(pipeline_name="peer", destination=dlt.destinations.postgres(target), dataset_name="public", pipelines_dir=sys.argv[3])
print(pipeline.run(sql_database(source, schema="public", table_names=["lineitem"]), write_disposition="replace"))
