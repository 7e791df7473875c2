"""The reward model: Bradley-Terry training over a comparison graph, cached frozen layers, MLflow. Imports no Spark."""
