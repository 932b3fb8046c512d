"""What is wrong with an experiment: findings with a place and a reason. Plain Python."""
