"""The reward model: Bradley-Terry training over a comparison graph, cached frozen layers, MLflow.

Only `snapshot`, `preference` and `distribution` know Spark.
"""
