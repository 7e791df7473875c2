"""All table contracts by name."""

from __future__ import annotations

from synpref.store.contract import Table
from synpref.store.contracts.campaign import CAMPAIGN
from synpref.store.contracts.content import CONTENT
from synpref.store.contracts.opinions import OPINIONS
from synpref.store.contracts.records import RECORDS

TABLES: dict[str, Table] = {table.name: table for table in (*CONTENT, *OPINIONS, *CAMPAIGN, *RECORDS)}
