-- Mail on its way, and the outbox where there is no mail server. The text is sealed: it may hold a one-time link.
CREATE TABLE IF NOT EXISTS `booking_mails` (
  `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  `recipient` VARCHAR(255) NOT NULL,
  `subject` VARCHAR(255) NOT NULL,
  `sealed` VARBINARY(16384) NOT NULL,
  `created_at` DATETIME(6) NOT NULL,
  `expires_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `booking_mails_expires_at_index` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
