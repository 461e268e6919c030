package usersync

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
)

// DatabaseError says in both languages what a database error means and what to do
// about it. It returns nil, a *crm.Error in err's chain and an ended context as
// they are; anything else becomes a *crm.Error with CodeDatabase and err as its cause.
func DatabaseError(err error) error {
	var known *crm.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return crm.NewError(crm.CodeDatabase, explain(err), err)
}

// databaseError gives errors that come from the database their code and text, and
// leaves the others alone.
func databaseError(err error) error {
	var known *crm.Error
	if errors.As(err, &known) || (faultOf(err) == faultFatal && serverError(err) == 0) {
		return err
	}
	return DatabaseError(err)
}

// explain finds the sentence for an error.
func explain(err error) crm.Text {
	var answer *mysql.MySQLError
	if !errors.As(err, &answer) {
		return explainSilence(err)
	}
	if text, ok := sentences[answer.Number]; ok {
		return text
	}
	return crm.Text{
		RU: fmt.Sprintf("База данных ответила ошибкой %d. Подробности — в журнале сервера приложения.", answer.Number),
		EN: fmt.Sprintf("The database answered with error %d. See the log for details.", answer.Number),
	}
}

// explainSilence is for errors that no server sent.
func explainSilence(err error) crm.Text {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return crm.Text{
			RU: "Сервер базы данных не запущен или слушает другой адрес: проверьте, что MySQL работает, и адрес в DSN.",
			EN: "The database server is not running or listens elsewhere: check that MySQL is up, and the address in the DSN.",
		}
	case errors.Is(err, syscall.EACCES):
		return crm.Text{
			RU: "Нет прав на сокет базы данных: проверьте права на файл сокета и его каталог.",
			EN: "No permission for the database's socket: check the rights of the socket file and its folder.",
		}
	case faultOf(err) == faultAway:
		return crm.Text{
			RU: "База данных не отвечает, разорвала соединение или работает только на чтение: проверьте сервер, его кластер и сеть и повторите.",
			EN: "The database does not answer, closed the connection or takes no writes: check the server, its cluster and the network and try again.",
		}
	}
	return crm.Text{
		RU: "Ошибка при работе с базой данных. Подробности — в журнале сервера приложения.",
		EN: "Working with the database failed. See the log for details.",
	}
}

// sentences by server error number; the numbers are the same on MySQL and MariaDB.
var sentences = map[uint16]crm.Text{}

func init() {
	for _, s := range []struct {
		text    crm.Text
		numbers []uint16
	}{
		{crm.Text{
			RU: "База данных не принимает имя или пароль: проверьте учётную запись в DSN.",
			EN: "The database refuses the user name or the password: check the account in the DSN.",
		}, []uint16{1045, 1698, 1130, 1251, 1524}},
		{crm.Text{
			RU: "Учётной записи базы данных не хватает прав: выполните GRANT из README.",
			EN: "The database account lacks a privilege: run the GRANT statements of the README.",
		}, []uint16{1044, 1142, 1143, 1227, 1370}},
		{crm.Text{
			RU: "Такой базы данных нет: создайте её (CREATE DATABASE) или исправьте имя в DSN.",
			EN: "There is no such database: create it (CREATE DATABASE) or correct its name in the DSN.",
		}, []uint16{1049}},
		{crm.Text{
			RU: "В базе данных нет нужной таблицы или столбца: выполните booking-host migrate up.",
			EN: "The database lacks a table or column: run booking-host migrate up.",
		}, []uint16{1054, 1146}},
		{crm.Text{
			RU: "У сервера базы данных кончились соединения: увеличьте max_connections или повторите позже.",
			EN: "The database server has no connections left: raise max_connections or try again later.",
		}, []uint16{1040, 1203, 1226}},
		{crm.Text{
			RU: "База данных не принимает запись (только чтение или нет кворума): проверьте её кластер и повторите.",
			EN: "The database takes no writes (read-only, or no quorum): check its cluster and try again.",
		}, []uint16{1047, 1180, 1290, 1836, 3032, 3100}},
		{crm.Text{
			RU: "Строки долго заняты другой программой: повторите, когда она закончит.",
			EN: "The rows are locked by another program for too long: try again when it is done.",
		}, []uint16{1205, 1213, 3572, 3058, 3101, 1020}},
		{crm.Text{
			RU: "На сервере базы данных кончилось место: освободите диск и повторите.",
			EN: "The database server is out of space: free some disk and try again.",
		}, []uint16{3, 1021, 1026, 1114}},
	} {
		for _, number := range s.numbers {
			sentences[number] = s.text
		}
	}
}
