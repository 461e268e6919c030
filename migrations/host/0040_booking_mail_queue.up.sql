-- Mail to be written and sent, a row each, and the steps that find out what is to be written. No link and no token is in
-- it: a mail is written when it is sent; token_hash names the link that was sent last. cause makes each thing happen once.
-- due_at is when the row is looked at next: sent, tried again, taken over from a host that died, or (once it is over)
-- removed. fence changes with every claim. recipient is an address and no collation's business: it is only read.
CREATE TABLE IF NOT EXISTS `booking_mail_queue` (
  `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  `cause` VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `kind` VARCHAR(32) NOT NULL,
  `lane` TINYINT UNSIGNED NOT NULL DEFAULT 1,
  `tenant_id` BIGINT UNSIGNED NULL,
  `user_id` BIGINT UNSIGNED NULL,
  `run_id` BIGINT UNSIGNED NULL,
  `recipient` VARCHAR(255) NOT NULL DEFAULT '',
  `data` JSON NOT NULL,
  `token_hash` VARBINARY(32) NULL,
  `status` VARCHAR(16) NOT NULL,
  `attempt` INT UNSIGNED NOT NULL DEFAULT 0,
  `fence` BIGINT UNSIGNED NOT NULL DEFAULT 0,
  `reason` VARCHAR(255) NOT NULL DEFAULT '',
  `created_at` DATETIME(6) NOT NULL,
  `due_at` DATETIME(6) NOT NULL,
  `expires_at` DATETIME(6) NULL,
  `finished_at` DATETIME(6) NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `booking_mail_queue_cause_unique` (`cause`),
  KEY `booking_mail_queue_status_lane_due_at_index` (`status`, `lane`, `due_at`),
  KEY `booking_mail_queue_user_id_kind_id_index` (`user_id`, `kind`, `id`),
  KEY `booking_mail_queue_token_hash_index` (`token_hash`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
