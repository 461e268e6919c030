-- One row, id 1, once somebody removes history: how far that has come. due_at is when somebody should go on (whoever
-- moves it does), passed the run up to which this round has looked, reached the furthest that any round has come: a run
-- up to there that is not there any more was removed, being older than days.
CREATE TABLE IF NOT EXISTS `crm_history` (
  `id` TINYINT UNSIGNED NOT NULL,
  `due_at` DATETIME(6) NOT NULL,
  `passed` BIGINT UNSIGNED NOT NULL DEFAULT 0,
  `reached` BIGINT UNSIGNED NOT NULL DEFAULT 0,
  `days` INT UNSIGNED NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
