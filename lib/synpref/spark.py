"""The Spark session: the one that spark-submit, Databricks or EMR made, else a local one with Delta."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.java import find_java_home
from synpref.jvm_output import quiet_start

# Variables that tell that somebody else configured the session: spark-submit's gateway, Databricks, Spark Connect.
FOREIGN = ("PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION", "SPARK_REMOTE")

LAPTOP = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A laptop has few cores and small tables: every task and every partition of a Delta snapshot costs time.
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    # So does compiling code for plans that run once over a few thousand rows.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # And so does describing every plan at length for a page that is off.
    "spark.sql.ui.explainMode": "simple",
    # Nor does anybody look at past queries, whose plans as text filled a heap of 1 GB after some thousand of them: five
    # sixths of a core went to collecting garbage.
    "spark.sql.ui.retainedExecutions": "10",
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
    "spark.ui.retainedTasks": "100",
    # A page is memory that each task, and each side that a join broadcasts, takes at least: 16 MB by default, which the
    # broadcasts of a few small tables filled a heap with.
    "spark.buffer.pageSize": "1m",
    # Delta keeps the last snapshot of every table that it saw for an hour, ten thousand at most. A run has some thirty.
    "spark.databricks.delta.delta.log.cacheSize": "48",
    "spark.speculation": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Bytes of an Arrow batch, for Spark 4.1 and later; earlier ones do not know it. In plain digits: workers read it as
    # a number. mapInArrow did not keep to it when tried: inference.windows cuts by bytes as well.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 * 1024 * 1024),
}

# What Delta's coordinates bring along although Spark has it, in versions of its own: 80 MB less to fetch and to load.
PROVIDED = (
    "org.apache.hadoop", "org.apache.parquet", "org.apache.logging.log4j", "org.slf4j", "com.fasterxml.jackson.core",
    "org.roaringbitmap", "org.xerial.snappy", "io.airlift", "com.github.luben",
)  # fmt: skip

# Plans of many small jobs are compiled more often than they are run: the first compiler alone and one collector thread
# took half the CPU seconds of the default (measured over creation, 6 inserts and 7 replacements, 2 cores). That
# compiler has 48 MB for its code by default, which Spark and Delta fill in minutes; then nothing more is compiled. More
# than 80 MB, and the driver of the demo takes more than 3 GB.
JVM_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=80m"

FOREIGN_DEFAULTS = ("yarn-default.xml", "mapred-default.xml")

# Messages are cut and stack traces left out: what fails reaches Python as an exception with its whole story.
LOG4J = """
status = error
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %.-400m%n%ex{0}
"""

# Logger to level: they repeat what the exception says, or warn of what is meant to be so here.
QUIET = {
    "org.apache.spark.util.Utils": "error",
    "org.apache.hadoop.util.NativeCodeLoader": "error",
    "org.apache.spark.util.SparkStringUtils": "error",
    "org.apache.spark.sql.catalyst.util.SparkStringUtils": "error",  # its place in Spark 4.0
    "org.apache.spark.sql.execution.window.WindowExec": "error",
    "org.apache.spark.sql.execution.datasources.DataSource": "error",  # staging folders begin with _, as hidden ones do
    "org.apache.spark.executor.Executor": "off",
    "org.apache.spark.scheduler.TaskSetManager": "error",
    "org.apache.spark.sql.delta.files.DeltaFileFormatWriter": "off",
}


def is_foreign() -> bool:
    """Tell whether the session is, or will be, somebody else's: then nothing about it may be overridden."""
    return any(os.environ.get(name) for name in FOREIGN) or SparkSession.getActiveSession() is not None


def open_session(
    *, app_name: str, master: str = "local[*]", driver_memory: str = "2g", extra: Mapping[str, str] | None = None
) -> SparkSession:
    """Return the session to work in.

    Where one is active, or spark-submit, Databricks or EMR started this process, it is theirs, untouched, and the
    arguments are ignored. Else a local one: Delta by Maven coordinates, Python workers with this interpreter, `extra`
    winning over the laptop's own settings. Raises InputError where no Java 17 or 21 is found.
    """
    if is_foreign():
        return classic(SparkSession.builder.getOrCreate())
    os.environ["JAVA_HOME"] = str(find_java_home())
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # glibc keeps freed memory in an arena for each thread; the JVM and the workers, which inherit this, have many.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    builder = SparkSession.builder.appName(app_name).master(master)
    for key, value in laptop_settings(driver_memory, extra or {}).items():
        builder = builder.config(key, value)
    with quiet_start():
        spark = configure_spark_with_delta_pip(builder).getOrCreate()
    _drop_foreign_defaults(spark)
    return spark


def classic(spark: SparkSession) -> SparkSession:
    """The session, where it has a Spark context; raises InputError for Spark Connect, whose workers we cannot count."""
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        raise InputError(
            "this is a Spark Connect session, which engines cannot run in: on Databricks take compute with dedicated "
            "access mode (not standard or serverless), elsewhere submit the job by spark-submit"
        )
    return spark


def laptop_settings(driver_memory: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a local session, `extra` last; the log configuration stands in a temporary folder."""
    scratch = Path(tempfile.mkdtemp(prefix="synpref-spark-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    options = f"{JVM_OPTIONS} -Dlog4j2.configurationFile={_log_configuration(scratch).as_uri()}"
    # Spark makes this folder even where no table lives in it: not in the directory that the user stands in.
    paths = {"spark.sql.warehouse.dir": str(scratch / "spark-warehouse")}
    provided = {"spark.jars.excludes": ",".join(f"{group}:*" for group in PROVIDED)}
    settings = {**LAPTOP, **paths, **provided, "spark.driver.memory": driver_memory, **extra}
    asked = settings.get("spark.driver.extraJavaOptions", "")
    settings["spark.driver.extraJavaOptions"] = f"{options} {asked}".strip()
    return settings


def _drop_foreign_defaults(spark: SparkSession) -> None:
    """Take the defaults of YARN and MapReduce, which nothing here reads, out of Hadoop's configuration.

    Spark writes the whole of it into every scan and every task that writes a file: a tenth of the JVM's work.
    """
    jvm: Any = spark.sparkContext._jvm
    jvm.org.apache.hadoop.mapred.JobConf()  # loads them: what is loaded later would bring all of them back
    context: Any = spark.sparkContext._jsc
    configuration, text = context.hadoopConfiguration(), jvm.java.io.StringWriter()
    jvm.org.apache.hadoop.conf.Configuration.dumpConfiguration(configuration, text)
    for entry in json.loads(text.toString())["properties"]:
        if entry["resource"] in FOREIGN_DEFAULTS:
            configuration.unset(entry["key"])


def _log_configuration(folder: Path) -> Path:
    # A file, because Log4j takes no configuration from the text of a property.
    lines = [LOG4J]
    for number, (logger, level) in enumerate(QUIET.items()):
        lines += [f"logger.q{number}.name = {logger}", f"logger.q{number}.level = {level}"]
    path = folder / "log4j2.properties"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
